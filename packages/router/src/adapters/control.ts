/** The statements by which a query builder begins and ends transactions, told apart by their text. */

export type Isolation = 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable';

export interface TransactionModes {
  readonly readOnly?: boolean;
  readonly isolation?: Isolation;
  /** postgres */
  readonly deferrable?: boolean;
  /** mysql, mariadb: WITH CONSISTENT SNAPSHOT */
  readonly snapshot?: boolean;
}

export type Control =
  | { readonly kind: 'begin'; readonly modes: TransactionModes }
  | { readonly kind: 'set-transaction'; readonly modes: TransactionModes }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' };

const BEGIN = /^(?:begin(?: work| transaction)?|start transaction)(?= |$)/;
const SET_TRANSACTION = /^set transaction(?= )/;
const COMMIT = /^(?:commit|end)(?: work| transaction)?(?: and no chain)?$/;
const ROLLBACK = /^(?:rollback|abort)(?: work| transaction)?(?: and no chain)?$/;

const MODE =
  /^[ ,]*(?:isolation level (?<isolation>read uncommitted|read committed|repeatable read|serializable)|read (?<access>only|write)|(?<not>not )?(?<deferrable>deferrable)|(?<snapshot>with consistent snapshot))(?=[ ,]|$)/;

/** Longer than any statement of these. */
const MAX_LENGTH = 200;

/**
 * Null for every other statement, savepoints among them, and for one of these in a form that is not understood (AND CHAIN,
 * a comment): then the engines refuse it, because of its first word.
 */
export function parseControl(sql: string): Control | null {
  if (sql.length > MAX_LENGTH) return null;
  const text = sql
    .trim()
    .replace(/[\s;]+$/, '')
    .replace(/\s+/g, ' ')
    .toLowerCase();
  if (COMMIT.test(text)) return { kind: 'commit' };
  if (ROLLBACK.test(text)) return { kind: 'rollback' };
  for (const [kind, opening] of [
    ['begin', BEGIN],
    ['set-transaction', SET_TRANSACTION],
  ] as const) {
    const start = opening.exec(text)?.[0];
    if (start === undefined) continue;
    const modes = parseModes(text.slice(start.length));
    return modes && { kind, modes };
  }
  return null;
}

function parseModes(text: string): TransactionModes | null {
  let modes: TransactionModes = {};
  let rest = text;
  while (rest !== '') {
    const match = MODE.exec(rest);
    if (!match?.groups) return null;
    const { isolation, access, not, deferrable, snapshot } = match.groups;
    modes = {
      ...modes,
      ...(isolation && { isolation: isolation as Isolation }),
      ...(access && { readOnly: access === 'only' }),
      ...(deferrable && { deferrable: not === undefined }),
      ...(snapshot && { snapshot: true }),
    };
    rest = rest.slice(match[0].length);
  }
  return modes;
}
