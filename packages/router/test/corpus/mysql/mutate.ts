import fc from 'fast-check';

/**
 * A text in pieces between which white space may be put: quoted texts, comments, words, numbers and operators stay whole. Only
 * for texts of the corpus that have no tricks in their quoting.
 */
const PIECES = new RegExp(
  [
    /(?:\b[A-Za-z0-9_$]+)?'(?:[^'\\]|\\.|'')*'/,
    /"(?:[^"\\]|\\.|"")*"/,
    /`(?:[^`]|``)*`/,
    /\/\*[\s\S]*?\*\//,
    /#[^\n]*\n?/,
    /--(?=\s)[^\n]*\n?/,
    /\d+\.\d+|\.\d+|[A-Za-z0-9_$\u0080-\uffff]+/,
    /<=>|->>|->|:=|<=|<>|<<|>=|>>|!=|\|\||&&|@@?/,
    /\s+|[\s\S]/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

export const piecesOf = (sql: string): string[] => sql.match(PIECES) ?? [];

const GAPS = [
  '',
  ' ',
  '\t',
  '\n',
  '\r\n',
  ' \f\v ',
  '/**/',
  ' /* x */ ',
  '/* ; */',
  "/* ' */",
  '/* " ` */',
  ' -- x\n',
  '--\n',
  ' # y\n',
  "# ' \n",
  '-- /*\n',
] as const;

const gap = fc.constantFrom(...GAPS);

/** After `@`, `.` and the second of two dashes a gap would make another statement; elsewhere it changes nothing that writes. */
const takesNoGap = (before: string, after: string): boolean =>
  before.startsWith('@') || before === '.' || before === '-' || after === '.';

const changeCase = (piece: string, upper: boolean): string => {
  if (/^['"`/#-]/.test(piece) || piece.includes("'")) return piece;
  return upper ? piece.toUpperCase() : piece.toLowerCase();
};

/** The same statement, laid out otherwise: gaps between its pieces, letters of either case. */
export const relaidOut = (sql: string): fc.Arbitrary<string> => {
  const pieces = piecesOf(sql);
  const one = fc.tuple(gap, fc.boolean());
  return fc.array(one, { minLength: pieces.length, maxLength: pieces.length }).map((changes) =>
    pieces
      .map((piece, i) => {
        const [put, upper] = changes[i] ?? ['', false];
        const bare = takesNoGap(pieces[i - 1] ?? '', piece);
        return (bare ? '' : put) + changeCase(piece, upper);
      })
      .join(''),
  );
};

/** `fragment` put between two pieces of `sql`, on a line of its own, in case a comment comes before it. */
export const withFragment = (sql: string, fragment: string): fc.Arbitrary<string> => {
  const pieces = piecesOf(sql);
  return fc
    .nat({ max: pieces.length })
    .map((at) => `${pieces.slice(0, at).join('')}\n${fragment}\n${pieces.slice(at).join('')}`);
};

/** Pieces of the two texts, cut and put together at any place. */
export const spliced = (one: string, other: string): fc.Arbitrary<string> => {
  const [a, b] = [piecesOf(one), piecesOf(other)];
  const range = (length: number) => fc.tuple(fc.nat({ max: length }), fc.nat({ max: length }));
  return fc.tuple(range(a.length), range(b.length)).map(([[start, end], [from, to]]) => {
    const middle = b.slice(Math.min(from, to), Math.max(from, to));
    const pieces = [...a.slice(0, Math.min(start, end)), ...middle, ...a.slice(Math.max(start, end))];
    return pieces.join(' ');
  });
};

/** What a scan sees that knows quotes and comments and nothing else: everything else of the text, in lower case. */
export const bareText = (sql: string): string =>
  piecesOf(sql)
    .map((piece) => {
      if (/^(?:['"`]|\/\*|#|--\s)/.test(piece)) return ' ';
      return piece.toLowerCase().replace(/'[\s\S]*'$/, ' ');
    })
    .join('');
