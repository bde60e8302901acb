import type { Outcome, Transaction } from '@replication-lab/router';
import type { RequestedLevel } from '../consistency.ts';
import { type Database, failedWith, run, statement, transact } from '../database.ts';
import { type Answer, answerOnce, requestHash } from '../idempotency.ts';
import { type CallContext, readAtLevel, readAtVersion } from '../levels.ts';
import { Problem } from '../problems.ts';
import { Turns } from '../turns.ts';
import * as users from './repository.ts';
import {
  type ListQuery,
  type NewUser,
  type User,
  type UserPage,
  type UserPatch,
  userSchema,
} from './schemas.ts';

/** What came out, and what the router says of it: an answer of "no" has been decided by a node, too. */
export type Answered<T> = { readonly value: T } & Outcome;

/** `user` is the row as it is now; null when it is gone. */
export type Change<U = User> = { readonly kind: 'done'; readonly user: U } | Unchanged;
export type Removal = Change<null>;
type Unchanged = { readonly kind: 'not-found' } | { readonly kind: 'stale'; readonly version: number };

export interface Once {
  readonly key: string;
  readonly waitMs: number;
}

export type UserService = ReturnType<typeof createUserService>;

/** The resource's rules, apart from HTTP: what is read where, and what is one transaction. */
export function createUserService(db: Database) {
  const idempotency = { db, turns: new Turns() };
  return {
    async get(id: number, level: RequestedLevel, call: CallContext): Promise<Answered<User | null>> {
      const query = statement(db, users.selectById(id));
      const { rows, decision, token } =
        level.kind === 'version'
          ? await readAtVersion(db.router, query, level.min, call)
          : await readAtLevel(db.router, query, level, call);
      return { value: rows[0] === undefined ? null : users.toUser(rows[0]), decision, token };
    },

    async list(query: ListQuery, level: RequestedLevel, call: CallContext): Promise<Answered<UserPage>> {
      if (level.kind === 'version') {
        throw new Problem('invalid-consistency-level', { detail: 'version is for reading one row' });
      }
      const page = statement(db, users.selectPage(query));
      const { rows, decision, token } = await readAtLevel(db.router, page, level, call);
      const items = rows.slice(0, query.limit).map(users.toUser);
      const nextAfter = rows.length > query.limit ? (items.at(-1)?.id ?? null) : null;
      return { value: { items, nextAfter }, decision, token };
    },

    /** With `once`, repeats with the same key get the first one's answer. */
    async create(
      input: NewUser,
      call: CallContext,
      once?: Once,
    ): Promise<Answered<User> & { replayed: boolean }> {
      const insert = (tx: Transaction) => insertUser(db, tx, input);
      if (once === undefined) return { ...(await transact(db, insert, call)), replayed: false };
      const hash = requestHash('POST /users', [input.name, input.email]);
      const work = async (tx: Transaction): Promise<Answer> => ({
        status: 201,
        body: JSON.stringify(await insert(tx)),
      });
      const { answer, ...rest } = await answerOnce(idempotency, { ...once, hash }, work, call);
      return { value: userSchema.parse(JSON.parse(answer.body)), ...rest };
    },

    /** @param versions the versions the caller accepts; null for any */
    update(
      id: number,
      patch: UserPatch,
      versions: readonly number[] | null,
      call: CallContext,
    ): Promise<Answered<Change>> {
      const work = async (tx: Transaction): Promise<Change> => {
        const { affectedRows } = await refuseTakenEmail(run(db, tx, users.updateUser(id, patch, versions)));
        const user = await findUser(db, tx, id);
        if (user === null) return { kind: 'not-found' };
        return affectedRows === 0 ? { kind: 'stale', version: user.version } : { kind: 'done', user };
      };
      return transact(db, work, call);
    },

    remove(id: number, versions: readonly number[] | null, call: CallContext): Promise<Answered<Removal>> {
      const work = async (tx: Transaction): Promise<Removal> => {
        const { affectedRows } = await run(db, tx, users.deleteUser(id, versions));
        if (affectedRows > 0) return { kind: 'done', user: null };
        const user = await findUser(db, tx, id);
        return user === null ? { kind: 'not-found' } : { kind: 'stale', version: user.version };
      };
      return transact(db, work, call);
    },
  };
}

async function insertUser(db: Database, tx: Transaction, input: NewUser): Promise<User> {
  await refuseTakenEmail(run(db, tx, users.insertUser(input)));
  const { rows } = await run(db, tx, users.selectByEmail(input.email));
  if (rows[0] === undefined) throw new Error('the row just inserted is not visible to its own transaction');
  return users.toUser(rows[0]);
}

async function findUser(db: Database, tx: Transaction, id: number): Promise<User | null> {
  const { rows } = await run(db, tx, users.selectById(id));
  return rows[0] === undefined ? null : users.toUser(rows[0]);
}

/** `users` has one unique column besides its key, so a violation can mean only that. */
async function refuseTakenEmail<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!failedWith(error, 'unique-violation')) throw error;
    const node = error.endpoint?.name;
    throw new Problem('email-taken', {
      // Decided by the primary, and the rolled back transaction has no outcome to say so.
      headers:
        node === undefined ? {} : { 'Data-Node': node, 'Data-Role': 'primary', 'Route-Reason': 'write' },
      cause: error,
    });
  }
}
