export type { PoolOptions } from './checkout.ts';
export { mysqlPool } from './mysql.ts';
export type * from './mysql-types.ts';
export { pgPool } from './pg.ts';
export type * from './pg-types.ts';
