import type { Connection, Position } from '@replication-lab/engines';
import { LocalError, LocalNode } from '@replication-lab/engines/local';
import { archiveLog, untilLogged } from './back-up.ts';
import { type Chain, chainsTo } from './decide/chain.ts';
import { type Comparison, compareSums } from './decide/compare.ts';
import { timeText } from './decide/target.ts';
import { backupEngineOf } from './engines.ts';
import { BackupError } from './errors.ts';
import { headOf, sourceFor, withNode } from './nodes.ts';
import { paceOf } from './pace.ts';
import type { Repository } from './repository.ts';
import { discardScratch, unpackChain } from './scratch.ts';
import type { BaseRecord, LogRecord, Progress, Site, TableSum, Target } from './types.ts';

const READ_MS = 30_000;

/** `latest`: as things are now, and compared with them. */
export type Wanted = Target | { readonly kind: 'latest' };

export interface RestoreOptions {
  readonly wanted: Wanted;
  /** This backup and no other. */
  readonly base?: string | null;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Fetches no more MiB a second than this; null: somebody waits for it. */
  readonly pace?: number | null;
}

export interface Restored {
  readonly base: BaseRecord;
  /** Pieces of log that were replayed. */
  readonly pieces: number;
  readonly reached: Position;
  /** Backups that turned out to be damaged on the way, in words. */
  readonly damaged: readonly string[];
  readonly tables: readonly TableSum[];
  /** Beside a node of the lab at the same position; null: `notCompared` says why. */
  readonly comparison: Comparison | null;
  readonly notCompared: string | null;
  /** What the application would read there; null: it cannot. */
  readonly applicationRead: string | null;
}

/** What a node of the lab had, and where. */
interface Witness {
  readonly position: Position;
  readonly sums: readonly TableSum[];
  readonly node: string;
}

/**
 * Restores into the scratch node, which is begun anew and stays. Archives the log first where the lab answers, so that the last
 * moments are there too. A damaged backup is passed over for an older one, from which more log leads to the same place.
 */
export async function restore(
  site: Site,
  repository: Repository,
  { wanted, base = null, progress, signal, pace = null }: RestoreOptions,
): Promise<Restored> {
  const engine = backupEngineOf(site.engine.name);
  if (wanted.kind === 'time') refuseFractions(wanted.us, engine.tickUs);
  const { witness, lineage } = await catchUp(site, repository, wanted, progress, signal);
  const records = await repository.records();
  const own = records
    .filter(({ kind }) => kind !== 'dump')
    .filter((record) => lineage === null || record.lineage === lineage) as (BaseRecord | LogRecord)[];
  const target = targetOf(wanted, witness, own, engine.tickUs);
  const chains = chainsTo(target, records, engine, { lineage: base ? null : lineage, base });
  const damaged: string[] = [];
  // Only now: a target that is refused does not take the node away that somebody works on.
  await discardScratch(site);
  for (const chain of chains) {
    try {
      const reached = await replay(site, repository, chain, target, { progress, signal, pace });
      const { tables, applicationRead } = await readScratch(site);
      return {
        ...{ base: chain.base, pieces: chain.pieces.length, reached, damaged, tables, applicationRead },
        comparison: witness && compareSums(tables, witness.sums),
        notCompared: witness ? null : 'the lab is not at that position any more, or nobody there can tell',
      };
    } catch (error) {
      await discardScratch(site);
      if (!isDamage(error) || chain === chains.at(-1)) throw error;
      damaged.push(`${chain.base.id}: ${error.message.split('\n')[0]}`);
      progress(`backup ${chain.base.id} cannot be restored; going back to the one before`);
    }
  }
  throw new BackupError('no-backup', 'there is no backup');
}

function refuseFractions(us: number, tickUs: number): void {
  if (us % tickUs === 0) return;
  throw new BackupError(
    'not-whole-seconds',
    `the log of this engine has whole seconds: it cannot tell ${timeText(us)} from the rest of that second`,
    'name a whole second, all of which will be there; or a position, which is exact',
  );
}

const isDamage = (error: unknown): error is Error =>
  error instanceof BackupError && ['damaged', 'tool-failed', 'target-missed'].includes(error.code);

/** Has the archive come up to what is wanted. Where that cannot be, what is archived has to do: a restore must not fail by it. */
async function catchUp(
  site: Site,
  repository: Repository,
  wanted: Wanted,
  progress: Progress,
  signal?: AbortSignal,
): Promise<{ witness: Witness | null; lineage: string | null }> {
  try {
    if (wanted.kind === 'time') refuseFuture(wanted, await untilLogged(site, wanted.us, signal));
    const witness = wanted.kind === 'latest' ? await witnessOf(site, signal) : null;
    const { record, gap } = await archiveLog(site, repository, signal);
    if (gap) progress(gap);
    return { witness, lineage: record.lineage };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BackupError && error.code === 'in-the-future') throw error;
    progress(`the log was not archived first: ${(error as Error).message}; going on with what is archived`);
    return { witness: null, lineage: null };
  }
}

function refuseFuture({ us }: { us: number }, { clockUs }: { clockUs: number }): void {
  if (us <= clockUs) return;
  throw new BackupError(
    'in-the-future',
    `${timeText(us)} has not come yet: the primary's clock says ${timeText(clockUs)}`,
  );
}

/** Reads all tables of a node at one moment whose position is known. The node goes on meanwhile. */
async function witnessOf(site: Site, signal?: AbortSignal): Promise<Witness | null> {
  const engine = backupEngineOf(site.engine.name);
  const { end } = await headOf(site, engine);
  const { name } = await sourceFor(site, end, null, { signal });
  return withNode(site, name, async (connection) => {
    const position = await engine.snapshot(connection, signal);
    if (position === null) return null;
    return { position, sums: await engine.sums(connection, site.database), node: name };
  });
}

function targetOf(
  wanted: Wanted,
  witness: Witness | null,
  records: readonly { readonly throughUs?: number; readonly clockUs?: number }[],
  tickUs: number,
): Target {
  if (wanted.kind !== 'latest') return wanted;
  if (witness) return { kind: 'position', position: witness.position };
  const ends = records.map(({ throughUs, clockUs }) => throughUs ?? clockUs ?? 0);
  return { kind: 'time', us: Math.floor((Math.max(0, ...ends) - tickUs + 1) / tickUs) * tickUs };
}

async function replay(
  site: Site,
  repository: Repository,
  chain: Chain,
  target: Target,
  { progress, signal, pace }: Pick<RestoreOptions, 'progress' | 'signal' | 'pace'>,
): Promise<Position> {
  progress(`restoring backup ${chain.base.id} with ${chain.pieces.length} pieces of log`);
  try {
    const pieces = await unpackChain(site, repository, chain, { pace: pace ?? null, signal });
    return await backupEngineOf(site.engine.name).recover({ site, base: chain.base, pieces, target, signal });
  } catch (error) {
    if (!(error instanceof LocalError) || error.code !== 'start-failed') throw error;
    if (/refuses the admin's password/.test(error.message))
      throw new BackupError(
        'no-account',
        "the administrator's password was another one when this backup was made",
        'set DB_ADMIN_PASSWORD to the one of that time',
        error,
      );
    throw new BackupError('damaged', `the restored server does not start: ${error.message}`, null, error);
  }
}

/** What is there now, read by the administrator and as the application would. */
export async function readScratch(site: Site): Promise<Pick<Restored, 'tables' | 'applicationRead'>> {
  const engine = backupEngineOf(site.engine.name);
  const node = new LocalNode(site.scratch, site.engine);
  await using admin = await node.connectAdmin(site.database);
  const tables = await engine.sums(admin, site.database);
  return { tables, applicationRead: await applicationRead(site) };
}

async function applicationRead(site: Site): Promise<string | null> {
  let connection: Connection;
  try {
    connection = await site.engine.client.connect(site.scratch.node, site.accounts.appReadOnly, {
      database: site.database,
    });
  } catch {
    return null;
  }
  try {
    const { rows } = await connection.query(
      'SELECT id, version FROM users WHERE id = (SELECT max(id) FROM users)',
      [],
      { timeoutMs: READ_MS },
    );
    return rows[0] ? `user ${rows[0].id}, version ${rows[0].version}` : 'no user';
  } catch {
    return null;
  } finally {
    await connection.close();
  }
}

/**
 * Proves a backup: restores it up to now, compares every table with a node of the lab at the same position, and reads it as the
 * application does. Only then it is written down as proved. The scratch node is removed.
 */
export async function prove(
  site: Site,
  repository: Repository,
  base: BaseRecord,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Restored> {
  const restored = await restore(site, repository, {
    wanted: { kind: 'latest' },
    base: base.id,
    ...{ progress, signal, pace: paceOf(site) },
  });
  await discardScratch(site);
  if (isProof(restored)) {
    const { rows } = restored.comparison!;
    await repository.markVerified(base, { atMs: Date.now(), position: restored.reached, rows });
  }
  return restored;
}

export const isProof = ({
  comparison,
  applicationRead: read,
}: Pick<Restored, 'comparison' | 'applicationRead'>): boolean =>
  comparison !== null && comparison.differences.length === 0 && read !== null;
