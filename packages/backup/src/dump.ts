import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LocalNode } from '@replication-lab/engines/local';
import { lastNode, newId } from './back-up.ts';
import { type Comparison, compareSums } from './decide/compare.ts';
import { dumpsToForget, type Retention } from './decide/retention.ts';
import { backupEngineOf } from './engines.ts';
import { BackupError } from './errors.ts';
import { headOf, nodeOf, sourceFor } from './nodes.ts';
import { paceOf } from './pace.ts';
import type { Repository } from './repository.ts';
import { isProof, readScratch } from './restore.ts';
import { discardScratch } from './scratch.ts';
import { eachChunk, pipe, type Tap } from './tools.ts';
import type { DumpMoment, DumpRecord, DumpWitness, Progress, Site, TableSum } from './types.ts';
import { freshWork, requireSpace } from './work.ts';

const START_MS = 600_000;

/**
 * Has the engine's own tool dump the lab's database from a caught-up replica, straight into the repository: nothing lies on a disk
 * unencrypted. A dump that does not come to its end leaves nothing that counts. BackupError.
 */
export async function makeDump(
  site: Site,
  repository: Repository,
  progress: Progress,
  signal?: AbortSignal,
): Promise<DumpRecord> {
  const engine = backupEngineOf(site.engine.name);
  await repository.prepareDump(signal);
  const head = await headOf(site, engine);
  const last = lastNode(await repository.records(), head.lineage);
  const choice = await sourceFor(site, head.end, last, { mayLag: true, signal });
  progress(`dumping ${choice.name}${choice.why ? `, ${choice.why}` : ''}`);
  const work = await freshWork(site);
  try {
    const source = nodeOf(site, choice.name);
    const isReplica = choice.name !== head.primary;
    await using moment = await engine.dump.begin({ source, site, isReplica, signal });
    const begun = whenBegun(moment);
    const print = fingerprint();
    const tap: Tap = (chunk) => {
      print.tap(chunk);
      begun.tap(chunk);
    };
    const describe = async (): Promise<DumpRecord> => {
      const witness = await begun.witness();
      const takenMs = Date.now();
      return {
        ...{ kind: 'dump', id: newId(takenMs), lineage: head.lineage, node: choice.name, takenMs },
        ...{ ...print.result(), verified: null },
        ...(typeof witness === 'string'
          ? { witness: null, notCompared: witness }
          : { witness, notCompared: null }),
      };
    };
    try {
      return await repository.addDump(moment.command, describe, tap, { pace: paceOf(site), signal });
    } finally {
      await begun.settled();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Reads what there was as soon as the dump has begun, beside it. */
function whenBegun(moment: DumpMoment) {
  let reading: Promise<DumpWitness | string> | null = null;
  const witness = () => {
    // The dump is as good without it: only nothing can be compared with it.
    reading ??= moment
      .witness()
      .catch((error: Error) => `what there was could not be read: ${error.message}`);
    return reading;
  };
  return {
    witness,
    tap: (chunk: Buffer) => {
      if (reading === null && moment.hasBegun(chunk)) void witness();
    },
    settled: () => reading,
  };
}

function fingerprint(): { tap: Tap; result: () => Pick<DumpRecord, 'bytes' | 'sha256'> } {
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  return {
    tap: (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    },
    result: () => ({ bytes, sha256: hash.digest('hex') }),
  };
}

function requireSame(record: DumpRecord, { bytes, sha256 }: Pick<DumpRecord, 'bytes' | 'sha256'>): void {
  if (bytes === record.bytes && sha256 === record.sha256) return;
  throw new BackupError(
    'damaged',
    `dump ${record.id} came back as ${bytes} bytes with the checksum ${sha256}, not as ${record.bytes} with ${record.sha256}`,
    'take another: ./lab backup --list',
  );
}

/** What became of a dump when it was loaded. */
export interface Loaded {
  readonly tables: readonly TableSum[];
  /** Beside what the node had at the moment of the dump; null: `notCompared` says why. */
  readonly comparison: Comparison | null;
  readonly notCompared: string | null;
  readonly applicationRead: string | null;
}

/**
 * Proves a dump: loads it into an empty scratch node, compares every table with what the dumped node had at that moment, and reads it
 * as the application does. Only then it is written down as proved. The scratch node is removed.
 */
export async function proveDump(
  site: Site,
  repository: Repository,
  record: DumpRecord,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Loaded> {
  await discardScratch(site);
  try {
    progress(`loading dump ${record.id} into an empty node`);
    await bootEmpty(site, record, signal);
    await load(site, repository, record, signal);
    const { tables, applicationRead } = await readScratch(site);
    const { witness, notCompared } = record;
    const comparison = witness && compareSums(tables, witness.tables);
    const loaded: Loaded = { tables, comparison, notCompared, applicationRead };
    if (witness && comparison && isProof(loaded)) {
      const { position } = witness;
      await repository.markVerified(record, { atMs: Date.now(), position, rows: comparison.rows });
    }
    return loaded;
  } finally {
    await discardScratch(site);
  }
}

async function bootEmpty(site: Site, { bytes }: DumpRecord, signal?: AbortSignal): Promise<void> {
  const { scratch, engine } = site;
  await mkdir(dirname(scratch.stateDir), { recursive: true });
  // Tables with their indexes, and the log of writing them.
  await requireSpace(dirname(scratch.stateDir), 3 * bytes);
  const node = new LocalNode(scratch, engine);
  await node.initialise(signal);
  await node.start({ timeoutMs: START_MS, ...(signal && { signal }) });
}

/** Accounts are not in a dump of one database: the scratch node is given the lab's. */
async function load(
  site: Site,
  repository: Repository,
  record: DumpRecord,
  signal?: AbortSignal,
): Promise<void> {
  const { engine, accounts, database } = site;
  const node = new LocalNode(site.scratch, engine);
  const loader = await backupEngineOf(engine.name).dump.loader(site, signal);
  {
    await using connection = await node.connectAdmin();
    await engine.admin.createDatabase(connection, database);
  }
  const print = fingerprint();
  await pipe(await repository.dumpReader(record, signal), loader, print.tap);
  requireSame(record, print.result());
  await using connection = await node.connectAdmin(database);
  await engine.admin.createAccounts(connection, accounts, database);
}

/**
 * Writes a dump out, for its owner's eyes only: it is not encrypted any more. The file is there when it is whole, and never in the
 * place of another. BackupError.
 */
export async function writeDump(
  repository: Repository,
  record: DumpRecord,
  file: string,
  signal?: AbortSignal,
): Promise<void> {
  refuseToReplace(file);
  const part = join(dirname(file), `.${record.id}.part`);
  const handle = await open(part, 'w', 0o600).catch((error: Error) => {
    const mend = 'name a file in a directory that is there and that you may write to';
    throw new BackupError('not-writable', `cannot write ${file}: ${error.message}`, mend, error);
  });
  try {
    try {
      await requireSpace(dirname(file), record.bytes);
      const print = fingerprint();
      await eachChunk(await repository.dumpReader(record, signal), async (chunk) => {
        print.tap(chunk);
        await handle.appendFile(chunk);
      });
      requireSame(record, print.result());
      await handle.sync();
    } finally {
      await handle.close();
    }
    refuseToReplace(file);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function refuseToReplace(file: string): void {
  if (existsSync(file))
    throw new BackupError('file-exists', `${file} is there already`, 'name another file, or remove it');
}

/** Removes the dumps that the retention lets go. */
export async function applyDumpRetention(
  repository: Repository,
  retention: Retention,
  signal?: AbortSignal,
): Promise<DumpRecord[]> {
  const gone = dumpsToForget(await repository.records(), retention, Date.now());
  await repository.forget(gone, signal);
  return gone;
}
