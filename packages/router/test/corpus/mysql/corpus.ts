import type { SqlValue } from '@replication-lab/engines';

export type Server = 'mysql' | 'mariadb';

/** One statement and what is true of it, written down without asking the classifier. */
export interface Labelled {
  readonly sql: string;
  /** Any node may answer: it changes nothing, holds nothing, and asks nothing that a connection or a server has to itself. */
  readonly pure: boolean;
  /** Only this server knows it. */
  readonly on?: Server;
  readonly params?: readonly SqlValue[];
  /** Several statements in one text: no pool of the router runs it. */
  readonly several?: boolean;
  /** Not for a real server: it would stop it, block, or throw the test's own schema away. */
  readonly harmful?: boolean;
}

type Facts = Omit<Labelled, 'sql' | 'pure'>;

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** One statement a line. */
export const pure = (text: string, facts: Facts = {}): Labelled[] =>
  lines(text).map((sql) => ({ sql, pure: true, ...facts }));

export const impure = (text: string, facts: Facts = {}): Labelled[] =>
  lines(text).map((sql) => ({ sql, pure: false, ...facts }));

/** Statements that span several lines, as they are. */
export const pureTexts = (texts: readonly string[], facts: Facts = {}): Labelled[] =>
  texts.map((sql) => ({ sql, pure: true, ...facts }));

export const impureTexts = (texts: readonly string[], facts: Facts = {}): Labelled[] =>
  texts.map((sql) => ({ sql, pure: false, ...facts }));

/** Every frame with every piece in the place of `%`. */
export const combine = (frames: string, pieces: string): string =>
  lines(frames)
    .flatMap((frame) => lines(pieces).map((piece) => frame.replaceAll('%', () => piece)))
    .join('\n');
