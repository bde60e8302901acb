import type { Labelled, Server } from './corpus.ts';
import { IMPURE_EXPRESSIONS } from './impure-expressions.ts';
import { IMPURE_LOCKS } from './impure-locks.ts';
import { IMPURE_STATEMENTS } from './impure-statements.ts';
import { IMPURE_TEXTS } from './impure-texts.ts';
import { PURE_APPLICATIONS } from './pure-applications.ts';
import { PURE_FUNCTIONS } from './pure-functions.ts';
import { PURE_NAMES } from './pure-names.ts';
import { PURE_QUERIES } from './pure-queries.ts';
import { PURE_BUT_REFUSED } from './pure-refused.ts';

export type { Labelled, Server } from './corpus.ts';
export { schemaOf } from './schema.ts';

const ALL: readonly Labelled[] = [
  ...PURE_FUNCTIONS,
  ...PURE_QUERIES,
  ...PURE_NAMES,
  ...PURE_APPLICATIONS,
  ...PURE_BUT_REFUSED,
  ...IMPURE_STATEMENTS,
  ...IMPURE_LOCKS,
  ...IMPURE_EXPRESSIONS,
  ...IMPURE_TEXTS,
];

/** The statements a server knows, each once. */
export const corpusFor = (server: Server): readonly Labelled[] =>
  uniqueBySql(ALL.filter(({ on }) => on === undefined || on === server));

export const wholeCorpus = (): readonly Labelled[] => uniqueBySql(ALL);

function uniqueBySql(statements: readonly Labelled[]): Labelled[] {
  return [
    ...new Map(statements.map((statement) => [`${statement.on} ${statement.sql}`, statement])).values(),
  ];
}
