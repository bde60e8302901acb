import type { Random } from './random.ts';

/** A token that was tampered with, and how. */
export interface Mutation {
  readonly kind: string;
  readonly text: string;
}

export interface Material {
  /** Tokens that are good. */
  readonly good: readonly string[];
  /** Sealed with a key that the router does not have. */
  readonly otherKey: readonly string[];
  /** Sealed with the router's key, of another engine. */
  readonly otherEngine: readonly string[];
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const STRANGE = [
  '\u0000',
  '\n',
  ' ',
  '\t',
  '=',
  '+',
  '/',
  '.',
  '%',
  '"',
  'é',
  'ｱ',
  '\u202e',
  '\u0301',
  '\ud800',
  '😀',
  '\ufeff',
];
/** Where the parts of a sealed token begin: version, key id, salt, IV, ciphertext. */
const SEAMS = [0, 1, 5, 21, 33];
const TAG_BYTES = 16;

type Mutate = (material: Material, random: Random) => string;

const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url');
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const cut = (text: string, at: number, insert: string, skip = 0): string =>
  text.slice(0, at) + insert + text.slice(at + skip);

function flipBits(text: string, random: Random, bits: number): string {
  const bytes = bytesOf(text);
  for (let i = 0; i < bits; i++) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return textOf(bytes);
}

/** One part of a token (key id, salt, IV, ciphertext or tag) taken from another. */
function transplant(a: Buffer, b: Buffer, part: number): string {
  const seams = (bytes: Buffer) => [...SEAMS, bytes.length - TAG_BYTES, bytes.length];
  const pieces = seams(a)
    .slice(0, -1)
    .map((from, i) => {
      const [bytes, start] = i === part ? [b, seams(b)[i]!] : [a, from];
      return bytes.subarray(start, seams(bytes)[i + 1]!);
    });
  return textOf(Buffer.concat(pieces));
}

const MUTATIONS: Readonly<Record<string, Mutate>> = {
  unchanged: ({ good }, random) => random.pick(good),
  'one bit': ({ good }, random) => flipBits(random.pick(good), random, 1),
  'several bits': ({ good }, random) => flipBits(random.pick(good), random, 2 + random.below(20)),
  'one character': ({ good }, random) => {
    const text = random.pick(good);
    return cut(text, random.below(text.length), random.pick([...ALPHABET]), 1);
  },
  'a character more': ({ good }, random) => {
    const text = random.pick(good);
    return cut(text, random.below(text.length + 1), random.pick([...ALPHABET]));
  },
  'a character less': ({ good }, random) => {
    const text = random.pick(good);
    return cut(text, random.below(text.length), '', 1);
  },
  'cut off at the end': ({ good }, random) => {
    const text = random.pick(good);
    return text.slice(0, random.below(text.length));
  },
  'cut off at the start': ({ good }, random) => {
    const text = random.pick(good);
    return text.slice(1 + random.below(text.length - 1));
  },
  'two tokens spliced': ({ good }, random) => {
    const [a, b] = [random.pick(good), random.pick(good)];
    const at = random.below(a.length);
    return a.slice(0, at) + b.slice(at);
  },
  'a part of another token': ({ good, otherKey, otherEngine }, random) => {
    const donor = random.pick([...good, ...otherKey, ...otherEngine]);
    return transplant(bytesOf(random.pick(good)), bytesOf(donor), random.below(SEAMS.length + 1));
  },
  'two tokens in a row': ({ good }, random) => random.pick(good) + random.pick(good),
  'another key': ({ otherKey }, random) => random.pick(otherKey),
  'another key under our key id': ({ otherKey, good }, random) =>
    transplant(bytesOf(random.pick(otherKey)), bytesOf(random.pick(good)), 1),
  'another engine': ({ otherEngine }, random) => random.pick(otherEngine),
  'another version': ({ good }, random) => {
    const bytes = bytesOf(random.pick(good));
    bytes[0] = random.below(256);
    return textOf(bytes);
  },
  oversize: ({ good }, random) => random.pick(good).repeat(10 + random.below(200)),
  'a strange character': ({ good }, random) => {
    const text = random.pick(good);
    return cut(text, random.below(text.length + 1), random.pick(STRANGE), random.below(2));
  },
  'strange characters only': (_, random) =>
    Array.from({ length: random.below(300) }, () => random.pick(STRANGE)).join(''),
  'another spelling': ({ good }, random) => {
    const text = random.pick(good);
    const spellings = [
      () => bytesOf(text).toString('base64'),
      () => bytesOf(text).toString('hex'),
      () => `${text}=`,
      () => `"${text}"`,
      () => encodeURIComponent(`${text} `),
      () => text.toLowerCase(),
      () => [...text].reverse().join(''),
    ];
    return random.pick(spellings)();
  },
  'random bytes under our header': ({ good }, random) => {
    const header = bytesOf(random.pick(good)).subarray(0, SEAMS[2]);
    const noise = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
    return textOf(Buffer.concat([header, noise]));
  },
};

export const KINDS = Object.keys(MUTATIONS);

/** The mutation number `index`: each kind in turn, everything else as the seed has it. */
export function mutate(material: Material, index: number, random: Random): Mutation {
  const kind = KINDS[index % KINDS.length]!;
  return { kind, text: MUTATIONS[kind]!(material, random) };
}
