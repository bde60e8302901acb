import type { EngineName } from '@replication-lab/engines';

/** An expression by which a server says who it is: its address, or the number that the lab gives it. */
export const NODE_SQL: Readonly<Record<EngineName, string>> = {
  mysql: '@@server_id',
  mariadb: '@@server_id',
  postgres: 'inet_server_addr()',
};

/** The same text for every subject that takes SQL; builders are asked to write the same. */
export function statementsOf(engine: EngineName) {
  const p = (index: number) => (engine === 'postgres' ? `$${index}` : '?');
  return {
    read: `SELECT id, name, email, version, ${NODE_SQL[engine]} AS node FROM users WHERE id = ${p(1)}`,
    /** For the one subject that judges the text: reading the server's name is not the same on every node. */
    plainRead: `SELECT id, name, email, version, version AS node FROM users WHERE id = ${p(1)}`,
    write: `UPDATE users SET version = ${p(1)} WHERE id = ${p(2)}`,
  };
}

/** What a read answers. Drivers and libraries differ in how they give a 64-bit id; no subject is asked to convert it. */
export interface UserRow {
  readonly id: unknown;
  readonly name: string;
  readonly email: string;
  readonly version: number;
  readonly node: unknown;
}

/** What `NODE_SQL` answers on a node: the last number of its address is its number. */
export const nodeValue = (engine: EngineName, host: string): string =>
  engine === 'postgres' ? host : (host.split('.').at(-1) ?? '');
