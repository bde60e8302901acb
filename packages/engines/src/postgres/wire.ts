import type { Writable } from 'node:stream';
import type { Client, CustomTypesConfig, QueryResult } from 'pg';
import { EngineError, type Row, type RowForm, type SqlResult, type SqlValue } from '../types.ts';

/** How statements go to the driver, and how its answers come back from it. */

/** What a client writes to: its socket, or the encryption around it. */
export const wireOf = (client: Client): { readonly stream: Writable } =>
  (client as unknown as { connection: { stream: Writable } }).connection;

export function toParameter(value: SqlValue): string | number | boolean | Buffer | null {
  if (value instanceof Date) return value.toISOString(); // the driver would write local time
  return typeof value === 'bigint' ? value.toString() : value;
}

export function configOf(text: string, params: readonly SqlValue[], { rowMode, types }: RowForm) {
  return {
    text,
    values: params.map(toParameter),
    queryMode: 'extended',
    ...(rowMode === 'array' && { rowMode }),
    ...(types && { types: types as CustomTypesConfig }),
  };
}

/** A text with several statements (tools only) has several results; the last one counts. */
export function toResult(answer: QueryResult | QueryResult[], { rowMode }: RowForm = {}): SqlResult {
  const result = Array.isArray(answer) ? answer.at(-1) : answer;
  const isRead = result?.command === 'SELECT' || result?.command === 'SHOW';
  const affectedRows = isRead ? 0 : (result?.rowCount ?? 0);
  const rows: readonly unknown[] = result?.rows ?? [];
  // Names and arrays only for those who ask: most calls want objects and nothing else.
  if (!result || rowMode === undefined) return { rows: rows as readonly Row[], affectedRows, insertId: null };
  return {
    ...(rowMode === 'array'
      ? { rows: [], arrays: rows as readonly unknown[][] }
      : { rows: rows as readonly Row[] }),
    ...(result.fields.length > 0 && { columns: result.fields.map(({ name }) => name) }),
    command: result.command,
    affectedRows,
    insertId: null,
  };
}

export const cancelledWait = (): EngineError =>
  new EngineError(
    'outcome-unknown',
    'the wait for a standby was cancelled: the write is committed on this node and perhaps on no other',
  );

/** In a transaction that has failed, COMMIT rolls back and reports success under the name of ROLLBACK. */
export function checkCommitted({ command }: QueryResult): void {
  if (command === 'COMMIT') return;
  throw new EngineError('other', `the transaction had failed: COMMIT answered ${command}`);
}
