import type { Case } from './case.ts';
import { IMPURE } from './impure.ts';
import { PURE } from './pure.ts';

export type { Case } from './case.ts';
export { fixtureSql } from './fixture.ts';
export { at, POSITIONS } from './positions.ts';

/** Each statement once: statements whose nature is known, for classifiers to be measured against. */
export const CORPUS: readonly Case[] = [
  ...new Map([...PURE, ...IMPURE].map((one) => [one.sql, one])).values(),
];
