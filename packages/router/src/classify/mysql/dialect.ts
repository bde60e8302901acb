import { SAFE_IN_MARIADB, SAFE_IN_MYSQL } from './functions-safe.ts';
import { RESERVED_IN_MARIADB, RESERVED_IN_MYSQL } from './words.ts';

/** All that the classifier does differently for the two engines. */
export interface Dialect {
  readonly reserved: ReadonlySet<string>;
  readonly safeFunctions: ReadonlySet<string>;
  /** `->`, `->>` and MEMBER OF. */
  readonly jsonOperators: boolean;
  /** `TABLE t`, and `VALUES ROW(1, 2)` instead of `VALUES (1, 2)`. */
  readonly tableStatement: boolean;
  /** `LATERAL (SELECT …)`. */
  readonly lateral: boolean;
  /** `t FOR SYSTEM_TIME AS OF …`. */
  readonly systemTime: boolean;
  /** `OFFSET 5 ROWS FETCH NEXT 5 ROWS ONLY`, `LIMIT ROWS EXAMINED 100`. */
  readonly offsetFetch: boolean;
  /** `CYCLE c RESTRICT` after a recursive table. */
  readonly cycle: boolean;
  /** `QUALIFY` filters by window functions; GROUP BY knows `ROLLUP (a, b)` and `CUBE (a, b)`. */
  readonly qualify: boolean;
  /** With sql_mode ORACLE, `s.nextval` takes a number from the sequence s, however it is quoted. */
  readonly dottedSequences: boolean;
  /** `percentile_cont(0.5) WITHIN GROUP (ORDER BY x)`; LIMIT in GROUP_CONCAT. */
  readonly withinGroup: boolean;
}

export const MYSQL: Dialect = {
  reserved: RESERVED_IN_MYSQL,
  safeFunctions: SAFE_IN_MYSQL,
  jsonOperators: true,
  tableStatement: true,
  lateral: true,
  systemTime: false,
  offsetFetch: false,
  cycle: false,
  qualify: true,
  dottedSequences: false,
  withinGroup: false,
};

export const MARIADB: Dialect = {
  reserved: RESERVED_IN_MARIADB,
  safeFunctions: SAFE_IN_MARIADB,
  jsonOperators: false,
  tableStatement: false,
  lateral: false,
  systemTime: true,
  offsetFetch: true,
  cycle: true,
  qualify: false,
  dottedSequences: true,
  withinGroup: true,
};
