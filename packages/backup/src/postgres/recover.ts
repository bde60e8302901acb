import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Engine, Position, ServerSpec } from '@replication-lab/engines';
import { LocalNode, layoutOf, own } from '@replication-lab/engines/local';
import { timeText } from '../decide/target.ts';
import { BackupError } from '../errors.ts';
import { findTool, run } from '../tools.ts';
import type { RecoverJob, Target } from '../types.ts';
import { endsAtOrAfter, lsnOf, lsnText, positionText } from './wal.ts';

const VERIFY_MS = 600_000;
const REPLAY_MS = 3_600_000;
const START_MS = 600_000;
const END_SECONDS = 120;

/** All pieces in one folder: a later one has what an earlier one had of a file that was not full yet. */
async function gather(job: RecoverJob, spec: ServerSpec): Promise<string> {
  const archive = join(spec.stateDir, 'archive');
  await mkdir(archive);
  await own(spec, archive, 0o700);
  for (const { directory } of job.pieces) {
    for (const file of await readdir(directory)) {
      await copyFile(join(directory, file), join(archive, file));
      await own(spec, join(archive, file), 0o600);
    }
  }
  return archive;
}

/**
 * A time is inclusive. A position is where a commit ended, which is where the next record begins: that one must not be replayed,
 * hence exclusive.
 */
function targetSettings(target: Target): Record<string, string> {
  if (target.kind === 'time')
    return {
      recovery_target_time: timeText(target.us).replace('Z', '+00'),
      recovery_target_inclusive: 'true',
    };
  return { recovery_target_lsn: lsnText(lsnOf(target.position)), recovery_target_inclusive: 'false' };
}

/** The same engine, whose servers boot with more settings. */
function withSettings(engine: Engine, settings: Readonly<Record<string, string>>): Engine {
  const prepareBoot: Engine['server']['prepareBoot'] = async (spec, binary) => {
    const command = await engine.server.prepareBoot(spec, binary);
    const more = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return { ...command, args: [...command.args, ...more] };
  };
  return { ...engine, server: { ...engine.server, prepareBoot } };
}

/** A standby that follows nobody, reads the archive, and stands still at the target. There its recovery is ended. */
export async function recover(job: RecoverJob): Promise<Position> {
  const { site, signal, target } = job;
  await verifyCopy(job);
  const archive = await gather(job, site.scratch);
  // That there is no such file is an answer. That it cannot be copied ends the recovery (a code above 125).
  const script = `for f in "${archive}/%f" "${archive}/%f.partial"; do [ -e "$f" ] || continue; cp "$f" "%p" || exit 200; exit 0; done; exit 1`;
  const settings = {
    restore_command: script,
    primary_conninfo: '',
    primary_slot_name: '',
    // Nobody depends on this node, and it can be made anew.
    fsync: 'off',
  };
  const toTarget = { ...settings, ...targetSettings(target), recovery_target_action: 'pause' };
  const first = await replay(job, toTarget, async (connection, state) => {
    if (state.paused) await end(connection);
  });
  if (first.paused) return first.position;
  // The log ends before anything that lies beyond the target. A recovery with a target would not end there, but fail.
  await new LocalNode(site.scratch, site.engine).stop({ ...(signal && { signal }) });
  const { position } = await replay(job, settings, end);
  if (target.kind === 'position' && !endsAtOrAfter(position, target.position))
    throw new BackupError(
      'target-missed',
      `the archived log ends at ${position}, before ${target.position}`,
      './lab backup --log, then again; or name an earlier position',
    );
  return position;
}

/** Boots it with these settings, and does `then` when it has replayed all that it should. */
async function replay(
  { site, signal }: RecoverJob,
  settings: Readonly<Record<string, string>>,
  then: (connection: Connection, state: Stood) => Promise<void>,
): Promise<Stood> {
  const node = new LocalNode(site.scratch, withSettings(site.engine, settings));
  await node.start({ timeoutMs: START_MS, ...(signal && { signal }) });
  await using connection = await node.connectAdmin();
  const state = await untilReplayed(connection, signal);
  await then(connection, state);
  return state;
}

/** The copy beside its own list of files and checksums. */
async function verifyCopy({ site, signal }: RecoverJob): Promise<void> {
  const { data } = layoutOf(site.scratch.stateDir);
  const binary = await site.engine.server.find();
  const file = await findTool('pg_verifybackup', binary);
  if (!file || !existsSync(join(data, 'backup_manifest'))) return;
  // That we have emptied this file on purpose the list does not know. The log is proved by replaying it.
  const args = ['--quiet', '--no-parse-wal', '--ignore=postgresql.auto.conf', data];
  const { runAs, stateDir } = site.scratch;
  await run({
    file,
    args,
    cwd: dirname(stateDir),
    runAs,
    timeoutMs: VERIFY_MS,
    signal,
    failure: 'damaged',
    urgent: true,
  });
}

/**
 * Just before the commit of a DROP TABLE a standby holds that table's lock, and nobody could read what was to be got back. Without a
 * recovery the transactions that were under way have never been. Sessions are read-only unless they ask to write.
 */
async function end(connection: Connection): Promise<void> {
  const { rows } = await connection.query(`SELECT pg_promote(true, ${END_SECONDS}) AS ended`);
  if (rows[0]?.ended !== true)
    throw new BackupError('target-missed', `the recovery did not end within ${END_SECONDS} s`);
}

/** Where it stands still: at the target (`paused`), or at the end of the archive. */
interface Stood {
  readonly paused: boolean;
  readonly position: Position;
}

interface Replay {
  readonly paused: boolean;
  readonly waits: boolean;
  readonly lsn: string | null;
  readonly timeline: number;
}

/** It stands still either at the target or at the end of the archive, where it waits for more. */
async function untilReplayed(connection: Connection, signal: AbortSignal | undefined): Promise<Stood> {
  const deadlineMs = performance.now() + REPLAY_MS;
  for (;;) {
    signal?.throwIfAborted();
    const state = await replayState(connection);
    if ((state.paused || state.waits) && state.lsn !== null) {
      const position = positionText(state.timeline, lsnOf(`0/${state.lsn}` as Position));
      return { paused: state.paused, position };
    }
    if (performance.now() > deadlineMs)
      throw new BackupError('target-missed', `the log was not replayed within ${REPLAY_MS} ms`);
    await sleep(20, undefined, { ...(signal && { signal }) });
  }
}

async function replayState(connection: Connection): Promise<Replay> {
  const { rows } = await connection.query(
    `SELECT pg_get_wal_replay_pause_state() = 'paused' AS paused,
            (SELECT wait_event = 'RecoveryRetrieveRetryInterval' FROM pg_stat_activity
              WHERE backend_type = 'startup') AS waits,
            pg_last_wal_replay_lsn()::text AS lsn,
            (SELECT CASE WHEN min_recovery_end_timeline > 0 THEN min_recovery_end_timeline END
               FROM pg_control_recovery()) AS recovered,
            (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline`,
  );
  const row = rows[0]!;
  return {
    paused: row.paused === true,
    waits: row.waits === true,
    lsn: row.lsn === null ? null : String(row.lsn),
    timeline: Number(row.recovered ?? row.timeline),
  };
}
