import { type Labelled, pure, pureTexts } from './corpus.ts';

/** Pure reads that cannot be told from something else by their text alone, or are not worth the telling. */
const CANNOT_BE_TOLD = `
  SELECT 'O\\'Reilly'
  SELECT id FROM orders WHERE note = 'it\\'s'
  SELECT "say \\"hi\\""
  SELECT COUNT (*) FROM orders
  SELECT MAX (id), MIN (id) FROM orders
  SELECT EXTRACTVALUE('<a><b/></a>', 'count(/a/b)')
  SELECT UPDATEXML('<a><b>c</b></a>', '/a/b', '<e/>')
  SELECT f_plus(1)
  SELECT lab.f_plus(id) FROM orders
  SELECT \`concat\`('a', 'b')
  SELECT 1e FROM (SELECT 1 AS 1e) t
  SELECT t.5 FROM (SELECT 1 AS \`5\`) t
  SELECT t.2020_total FROM 2020_sales t
`;

/** Newer than the oldest version that is supported, or departed from the newest. */
const NOT_IN_EVERY_VERSION = `
  SELECT MD5('a'), SHA1('a')
`;

export const PURE_BUT_REFUSED: readonly Labelled[] = [
  ...pure(CANNOT_BE_TOLD),
  ...pure(NOT_IN_EVERY_VERSION, { on: 'mysql' }),
  ...pureTexts(['/* a /* b */ SELECT 1', '/*+ not; a hint */ SELECT 1']),
];
