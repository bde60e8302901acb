import type { Connection, NodeProbe, Position } from '../types.ts';
import { newestEntry, newestTimeline, positionAt, positions } from './positions.ts';

/** The newest history file holds what the older ones do, so that none is long. */
export const MAX_HISTORY_BYTES = 65_536;

/** For superusers; on a server without the lab's schema too. */
const READ_FILE = `SELECT pg_read_file('pg_wal/' || $1, 0, ${MAX_HISTORY_BYTES}, true) AS history`;

/**
 * The timeline of the log that a node holds at `lsn` (`0/538E000`): the newest one of which it has that piece of log,
 * null when it has none. `files` are the names in its log directory.
 *
 * A standby that is not connected cannot say it otherwise. What its control file says may be older, after a crash; and
 * the newest history file may belong to a primary it could not follow.
 */
export function timelineAt(lsn: string, files: readonly string[], segmentBytes: number): number | null {
  const [high = '0', low = '0'] = lsn.split('/');
  const byte = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`) - 1n; // the last one held
  const hex = (n: bigint) => n.toString(16).toUpperCase().padStart(8, '0');
  const segment = hex(byte >> 32n) + hex((byte & 0xffffffffn) / BigInt(segmentBytes));
  const timelines = files
    .filter((name) => name.length === 24 && name.endsWith(segment))
    .map((name) => Number.parseInt(name.slice(0, 8), 16));
  return timelines.length > 0 ? Math.max(...timelines) : null;
}

/**
 * Adds to `position` how far each earlier timeline belongs to its history. `history` is the text of the timeline's
 * history file: lines of `timeline <tab> LSN at which it was left <tab> reason`.
 */
export function withPast(position: Position, history: string): Position {
  const past = history
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([timeline, lsn]) => /^\d+$/.test(timeline ?? '') && lsn !== undefined)
    .map(([timeline, lsn]) => positions.parse(`${timeline}/${lsn}`) ?? positions.empty);
  return past.reduce(positions.merge, position);
}

/**
 * What a new primary held of the reigns before it, of all that it `held`. Timelines are only numbers: another node may have
 * been promoted to one of the same number, and lost. So the newest one, which began with this reign, is no part of it; unless
 * the last reign was already on it (no promotion in between), or there was none. Null when it has no past although its number
 * says that it must.
 */
export function forkOf(
  held: Position,
  lastReign: { readonly start: Position | null } | null,
): Position | null {
  const entries = held.split(',');
  const own = newestTimeline(held);
  if (own > 1 && entries.length === 1) return null;
  const goesOn = !lastReign || (lastReign.start !== null && newestTimeline(lastReign.start) === own);
  return goesOn ? held : (entries.slice(0, -1).join(',') as Position);
}

/** `EngineAdmin.held`. */
export async function held(connection: Connection, { position, received }: NodeProbe): Promise<Position> {
  const [timeline, lsn] = newest(positions.merge(position, received));
  const { rows } = await connection.query(
    `SELECT name, (SELECT setting::int FROM pg_settings WHERE name = 'wal_segment_size') AS bytes
       FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`,
  );
  const files = rows.map(({ name }) => String(name));
  const actual = timelineAt(lsn, files, Number(rows[0]?.bytes ?? 1)) ?? timeline;
  return withPast(positionAt(actual, lsn), await historyOf(connection, actual));
}

/** Timeline and LSN of a position that names one, or of the last one it names. */
function newest(position: Position): [timeline: number, lsn: string] {
  const last = newestEntry(position);
  const slash = last.indexOf('/');
  return [Number(last.slice(0, slash)), last.slice(slash + 1)];
}

/** Empty for timeline 1, which has no history file. */
async function historyOf(connection: Connection, timeline: number): Promise<string> {
  const file = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  const { rows } = await connection.query(READ_FILE, [file]);
  return String(rows[0]?.history ?? '');
}
