import { Buffer } from 'node:buffer';
import type { SqlValue } from '@replication-lab/engines';
import { unsupported } from './refuse.ts';

/** What the engines hand to their driver as it is, beyond `SqlValue`. */
type Passed = SqlValue | Uint8Array | readonly unknown[] | { toPostgres(): unknown };
const passed = (value: Passed): SqlValue => value as SqlValue;

/** As pg takes parameters: arrays are PostgreSQL arrays, other objects JSON, undefined is NULL. */
export const postgresParams = (values: readonly unknown[] = []): SqlValue[] => values.map(postgresParam);

function postgresParam(value: unknown): SqlValue {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || value instanceof Date) return passed(value as SqlValue);
  if (ArrayBuffer.isView(value) || 'toPostgres' in value) return passed(value as Uint8Array);
  // Times inside arrays would be written as local time, which a column without a zone takes at its word.
  return Array.isArray(value) ? passed(value.map(arrayElement)) : JSON.stringify(value);
}

const arrayElement = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(arrayElement);
  return value instanceof Date ? value.toISOString() : value;
};

/**
 * As mysql2 takes them in `execute`; undefined is NULL. Lists and objects are refused: `query` would spread them over the
 * text and `execute` would send JSON, so whoever passes one cannot know what is meant.
 */
export const mysqlParams = (values: readonly unknown[] = []): SqlValue[] => values.map(mysqlParam);

function mysqlParam(value: unknown): SqlValue {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || value instanceof Date) return passed(value as SqlValue);
  if (ArrayBuffer.isView(value)) {
    return passed(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
  throw unsupported('a parameter is a list or an object: give one placeholder per value, and JSON as text');
}
