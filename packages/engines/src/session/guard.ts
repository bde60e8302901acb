import { EngineError } from '../types.ts';
import type { Access } from './session.ts';

/**
 * Statements that change the session, or end or begin a transaction: in a pool they would act on whoever borrows the
 * connection next, or move a write outside its transaction. The servers' own report of an open transaction
 * (`Session.clean`) is the second net.
 */
const SESSION_STATEMENTS = new Set(
  `abort begin close commit deallocate declare discard end execute fetch flush handler kill listen lock notify prepare
   release reset rollback savepoint set shutdown start unlisten unlock use xa`.split(/\s+/),
);
/**
 * These stay inside the transaction they are used in. In a READ ONLY one `SET LOCAL` may not touch what makes it that
 * (PostgreSQL would take `SET LOCAL transaction_read_only = off` as its first statement), nor hide the name from us.
 */
const ALLOWED_INSIDE: Readonly<Record<Access, RegExp>> = {
  'read-write': /^(?:savepoint\b|release\b|rollback\s+(?:work\s+)?to\b|notify\b|set\s+local\b)/,
  'read-only':
    /^(?:savepoint\b|release\b|rollback\s+(?:work\s+)?to\b|notify\b|set\s+local\s+(?!transaction(?!_isolation\b|_deferrable\b))[a-z][\w.]*[\s=])/,
};

const SPACE_AND_COMMENTS = /^(?:[\s;]+|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\/\*(?![!M])[\s\S]*?\*\/)*/;

/** Texts that were let through, so that the same few are not looked at again with every call. Bounded. */
const allowed: Readonly<Record<Access | 'alone', Set<string>>> = {
  alone: new Set(),
  'read-write': new Set(),
  'read-only': new Set(),
};
const MAX_REMEMBERED = 512;

/**
 * Throws EngineError `bad-statement` for a statement that a borrowed connection must not run; `inside` names the kind of
 * transaction it would be part of. Nothing is sent.
 */
export function refuseSessionStatement(sql: string, inside: Access | null): void {
  const known = allowed[inside ?? 'alone'];
  if (known.has(sql)) return;
  examine(sql, inside);
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.add(sql);
}

function examine(sql: string, inside: Access | null): void {
  const text = sql.replace(SPACE_AND_COMMENTS, '').slice(0, 64).toLowerCase();
  const word = /^[a-z]+/.exec(text)?.[0] ?? '';
  // A comment that MySQL or MariaDB executes, or the rest of one that PostgreSQL nests differently.
  const hidden = text.startsWith('/*') || text.startsWith('*/');
  if (!hidden && !SESSION_STATEMENTS.has(word)) return;
  if (inside && ALLOWED_INSIDE[inside].test(text)) return;
  const what = hidden ? 'a statement that begins with a comment of this kind' : word.toUpperCase();
  throw new EngineError(
    'bad-statement',
    `${what} is not possible on a pooled connection: it would outlive the call (use transaction() for transactions)`,
  );
}
