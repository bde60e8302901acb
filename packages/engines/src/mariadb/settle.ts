import { sessionOf } from '../mysql-protocol/client.ts';
import type { MysqlSession } from '../mysql-protocol/session.ts';
import type { SettleSteps } from '../session/settle.ts';
import type { CallOptions, Connection, Position, Row } from '../types.ts';
import { dialect } from './pool.ts';
import { common, positionFromServer, positions } from './positions.ts';
import {
  contradicts,
  hasOvertaken,
  isSameMoment,
  type Reference,
  referenceFrom,
  referenceFromRest,
  type Sample,
  shownAt,
} from './shown.ts';

/** What has to become visible, and how many groups had done so when it was logged. */
interface InFlight {
  readonly needed: Position;
  readonly groups: number;
}

const LOGGED_SQL = 'SELECT @@global.gtid_binlog_pos AS logged';
/** Neither needs a privilege, and neither waits for the locks of a commit that hangs, as SHOW MASTER STATUS does. */
const SAMPLE_STATEMENTS = [
  `${LOGGED_SQL}, @@global.rpl_semi_sync_master_wait_point AS waitPoint`,
  `SHOW STATUS WHERE Variable_name IN ('Binlog_snapshot_file', 'Binlog_snapshot_position', 'Binlog_commits',
     'Binlog_group_commits', 'Rpl_semi_sync_master_wait_sessions')`,
  LOGGED_SQL,
];
const PLACE_SQL = 'SELECT BINLOG_GTID_POS(?, ?) AS place, BINLOG_GTID_POS(?, 4) AS fileStart';
/** What it says of a place depends on nothing else, and reading a long file takes a tenth of a second: not too often. */
const REFERENCE_EVERY_MS = 100;
const REST_MS = 20;

/** What is remembered of a server as long as the connection to it lasts: its counters start anew with the server. */
interface Memory {
  reference: Reference | null;
  /** The last sample from which a reference was sought, and when. */
  sought: { readonly sample: Sample; readonly atMs: number } | null;
}
const memories = new WeakMap<MysqlSession, Memory>();

export const settleSteps: SettleSteps<InFlight> = {
  async inFlight(primary, options) {
    const sample = await sampleOf(primary, options);
    if (sample.logged === '') return null;
    return stillUnseen(primary, sample, { needed: sample.logged, groups: sample.groups }, options);
  },

  async shownBy(witness, { needed, groups }, options) {
    const [row] = (await witness.query(dialect.upperBoundSql, [], options)).rows;
    const wanted = common(needed, dialect.upperBound(row ?? {}));
    return wanted === '' ? null : { needed: wanted, groups };
  },

  async remaining(primary, inFlight, options) {
    return stillUnseen(primary, await sampleOf(primary, options), inFlight, options);
  },
};

async function stillUnseen(
  primary: Connection,
  sample: Sample,
  inFlight: InFlight,
  options: CallOptions,
): Promise<InFlight | null> {
  if (hasOvertaken(sample, inFlight.groups)) return null;
  const memory = memoryOf(primary);
  if (memory.reference && contradicts(sample, memory.reference)) memory.reference = null;
  const isShown = () =>
    memory.reference && positions.covers(shownAt(sample, memory.reference), inFlight.needed);
  if (isShown()) return null;
  await seekReference(primary, memory, sample, options);
  return isShown() ? null : inFlight;
}

/** Only where a new one can say more than the one there is: commits have become visible that it does not know. */
async function seekReference(
  primary: Connection,
  memory: Memory,
  sample: Sample,
  options: CallOptions,
): Promise<void> {
  const { reference, sought } = memory;
  if (reference?.file === sample.file && reference.offset === sample.offset) return;
  const elapsedMs = sought ? performance.now() - sought.atMs : Number.POSITIVE_INFINITY;
  const fromRest = sought && elapsedMs >= REST_MS ? referenceFromRest(sought.sample, sample) : null;
  if (fromRest) memory.reference = fromRest;
  if (fromRest || elapsedMs < REFERENCE_EVERY_MS) return;
  memory.sought = { sample, atMs: performance.now() };
  // The variables of one answer may be of two moments (the server keeps them in one place for everybody), unless the next
  // answer is the same.
  if (!isSameMoment(sample, await sampleOf(primary, options))) return;
  const place = [sample.file, Number(sample.offset), sample.file];
  const [row] = (await primary.query(PLACE_SQL, place, options)).rows;
  memory.reference =
    referenceFrom(sample, positionOrNull(row?.place), positionOrNull(row?.fileStart)) ?? reference;
}

function memoryOf(connection: Connection): Memory {
  const { session } = sessionOf(connection);
  let memory = memories.get(session);
  if (!memory) {
    memory = { reference: null, sought: null };
    memories.set(session, memory);
  }
  return memory;
}

async function sampleOf(connection: Connection, options: CallOptions): Promise<Sample> {
  const answers = await sessionOf(connection).run(async (session) => {
    const { resultSets, failure } = await session.queryMany(SAMPLE_STATEMENTS);
    if (failure) throw failure;
    return resultSets;
  }, options);
  const [[first = {}] = [], variables = [], [last = {}] = []] = answers;
  const status = new Map(
    variables.map((row) => [String(row.Variable_name).toLowerCase(), String(row.Value)]),
  );
  return {
    logged: positionFromServer(String(first.logged)),
    file: status.get('binlog_snapshot_file') ?? '',
    offset: status.get('binlog_snapshot_position') ?? '',
    commits: Number(status.get('binlog_commits') ?? 0),
    groups: Number(status.get('binlog_group_commits') ?? 0),
    waiting:
      first.waitPoint === 'AFTER_SYNC' ? Number(status.get('rpl_semi_sync_master_wait_sessions') ?? 0) : 0,
    loggedAfter: positionFromServer(String(last.logged)),
  };
}

const positionOrNull = (value: Row[string]): Position | null =>
  typeof value === 'string' ? positionFromServer(value) : null;
