import type { Row } from '@replication-lab/router';
import { containsPattern, list, type Sql, sql } from '../sql.ts';
import type { ListQuery, NewUser, User, UserPatch } from './schemas.ts';

/**
 * Every statement on the table `users`, each written once for all engines. They keep to what the three share:
 * the new row is found again by its unique e-mail address, since generated keys are reported in different ways.
 */

const columns = sql`id, name, email, version, created_at, updated_at`;

export const selectById = (id: number): Sql => sql`select ${columns} from users where id = ${id}`;

export const selectByEmail = (email: string): Sql => sql`select ${columns} from users where email = ${email}`;

/** One row more than the page, which tells whether there is a next one. No index helps the search: it scans. */
export const selectPage = ({ limit, after, q }: ListQuery): Sql => {
  const search = q === undefined ? sql`` : sql` and lower(name) like lower(${containsPattern(q)}) escape '!'`;
  return sql`select ${columns} from users where id > ${after}${search} order by id limit ${limit + 1}`;
};

export const insertUser = ({ name, email }: NewUser): Sql => sql`
  insert into users (name, email, version, created_at, updated_at)
  values (${name}, ${email}, 1, current_timestamp(3), current_timestamp(3))`;

/** Changes nothing where `versions` is given and the row has another one. */
export const updateUser = (id: number, patch: UserPatch, versions: readonly number[] | null): Sql => {
  const name = patch.name === undefined ? sql`` : sql`name = ${patch.name}, `;
  const email = patch.email === undefined ? sql`` : sql`email = ${patch.email}, `;
  return sql`
    update users set ${name}${email}version = version + 1, updated_at = current_timestamp(3)
    where id = ${id}${hasVersion(versions)}`;
};

export const deleteUser = (id: number, versions: readonly number[] | null): Sql =>
  sql`delete from users where id = ${id}${hasVersion(versions)}`;

/** Versions start at 1, so an empty list becomes one that no row has. */
const hasVersion = (versions: readonly number[] | null): Sql =>
  versions === null ? sql`` : sql` and version in (${list(versions.length > 0 ? versions : [0])})`;

/** @throws TypeError when a row is not one of this table: drivers return large keys and times in their own ways. */
export function toUser(row: Row): User {
  return {
    id: wholeNumber(row.id, 'id'),
    name: String(row.name),
    email: String(row.email),
    version: wholeNumber(row.version, 'version'),
    createdAt: isoTime(row.created_at, 'created_at'),
    updatedAt: isoTime(row.updated_at, 'updated_at'),
  };
}

function wholeNumber(value: unknown, column: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new TypeError(`users.${column} is not a whole number`);
  return number;
}

function isoTime(value: unknown, column: string): string {
  if (!(value instanceof Date)) throw new TypeError(`users.${column} is not a time`);
  return value.toISOString();
}
