import { execFileSync } from 'node:child_process';
import { globSync, statfsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName, Position } from '@replication-lab/engines';
import { LocalNode } from '@replication-lab/engines/local';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type BaseRecord,
  backUp,
  type DumpRecord,
  discardScratch,
  isProof,
  makeDump,
  prove,
  proveDump,
  Repository,
  restore,
  type Site,
  split,
  type Target,
  writeDump,
} from '../src/index.ts';
import {
  type Commit,
  commitsOf,
  exactness,
  expectedRows,
  Ledger,
  ledgerRows,
  siteOfCluster,
  targetAt,
  type Write,
} from '../src/testing/index.ts';
import { findTool } from '../src/tools.ts';

const { engines } = await availableEngines();
const restic = await findTool('restic', null);
if (!restic) console.warn('NOT RUN: backups: restic is not installed');

const MIB = 2 ** 20;
const DISK_MIB = 2048;
/** A disk in memory, whose size can be changed while it is used. */
const canMount = process.getuid?.() === 0 && process.platform === 'linux';
if (!canMount) console.warn('NOT RUN: backups on a full disk: only root can mount one');

async function mountDisk(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', directory]);
}

/** Leaves so many bytes free at most. */
function resizeDisk(directory: string, freeBytes: number): void {
  const { blocks, bfree, bsize } = statfsSync(directory);
  const bytes = Math.min(DISK_MIB * MIB, (blocks - bfree) * bsize + freeBytes);
  execFileSync('mount', ['-o', `remount,size=${bytes}`, directory]);
}

const NOTHING_AMISS = { missing: 0, extra: 0, different: 0 };
/** Something that is no table: whether it comes with a dump. */
const TRIGGER: Readonly<Record<EngineName, string>> = {
  mysql: 'CREATE TRIGGER test_trigger BEFORE INSERT ON idempotency_keys FOR EACH ROW SET @test = 1',
  mariadb: 'CREATE TRIGGER test_trigger BEFORE INSERT ON idempotency_keys FOR EACH ROW SET @test = 1',
  postgres: `CREATE TRIGGER test_trigger BEFORE UPDATE ON idempotency_keys FOR EACH ROW
    EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
};
const AFTER_COPY = 40;
/** Of a second after the copy there must be commits, and some later ones: the log of mariadb has no finer times. */
const LOAD_MS = 2_500;

describe.skipIf(!restic).each(engines)('%s: backups under write load', (name) => {
  let cluster: Cluster;
  let site: Site;
  let repository: Repository;
  let writes: readonly Write[];
  let commits: Commit[];
  let first: BaseRecord;
  let dump: DumpRecord;

  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.73', nodes: 2, tls: true });
    site = siteOfCluster(cluster, '127.0.73.60');
    if (canMount && name === engines.at(-1)) await mountDisk(site.directory);
    repository = await Repository.open(site.directory);
    await using admin = await cluster.local('db-1').connectAdmin(cluster.database);
    await admin.query(TRIGGER[name]);
  });
  afterAll(async () => {
    if (site) await discardScratch(site);
    if (site && canMount && name === engines.at(-1)) execFileSync('umount', ['-l', site.directory]);
    await cluster?.[Symbol.asyncDispose]();
  });

  const quiet = () => {};
  const after = ({ clockUs }: BaseRecord) => {
    const own = new Set(writes.map(({ key }) => key));
    return commits.filter(({ us, key }) => us > clockUs + 1_000_000 && own.has(key));
  };
  const anyOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;
  /** Restores, and says how the rows differ from what the primary's log says must be there. */
  const restoredTo = async (target: Target) => {
    const restored = await restore(site, repository, { wanted: target, progress: quiet });
    await using connection = await new LocalNode(site.scratch, site.engine).connectAdmin(site.database);
    const found = exactness(await ledgerRows(connection), expectedRows(site.engine, writes, commits, target));
    return { restored, found };
  };

  test('a replica is copied while the primary is written to, and the copy is proved by restoring it', async () => {
    const ledger = new Ledger({
      ...{ engine: site.engine, primary: cluster.endpoint('db-1'), account: cluster.accounts.app },
      ...{ database: cluster.database, writers: 4, pauseMs: 10, name },
    });
    try {
      first = await backUp(site, repository, quiet);
      expect(first.node).toBe('db-2');
      const proof = await prove(site, repository, first, quiet);
      expect(proof.comparison).toMatchObject({ differences: [] });
      expect(isProof(proof)).toBe(true);
      dump = await makeDump(site, repository, quiet);
      const enough = performance.now() + LOAD_MS;
      const count = ledger.writes.length + AFTER_COPY;
      await expect
        .poll(() => performance.now() > enough && ledger.writes.length > count, { timeout: 60_000 })
        .toBe(true);
    } finally {
      writes = await ledger.stop();
    }
    expect(ledger.failures).toEqual([]);
    commits = await commitsOf(site.engine, cluster.local('db-1'));
    expect(split(await repository.list()).bases[0]?.verified).not.toBeNull();
  });

  test('a dump that was taken meanwhile is loaded: every table is as the replica had it at that moment', async () => {
    expect(dump).toMatchObject({ node: 'db-2', notCompared: null });
    const loaded = await proveDump(site, repository, dump, quiet);
    expect(loaded).toMatchObject({ comparison: { differences: [] }, applicationRead: expect.any(String) });
    const [listed] = split(await repository.list()).dumps;
    expect(listed).toMatchObject({ id: dump.id, verified: { position: dump.witness?.position } });
  });

  test('a dump is written out whole, with triggers and routines, for its owner alone, and over no other file', async () => {
    const file = join(site.directory, 'written-out');
    await writeDump(repository, dump, file);
    const text = await readFile(file, 'latin1');
    expect(text).toContain('test_trigger');
    expect(text).toContain(name === 'postgres' ? 'lab_history_file' : 'lab_forget_source');
    const { mode, size } = await stat(file);
    expect({ mode: mode & 0o777, size }).toEqual({ mode: 0o600, size: dump.bytes });
    await expect(writeDump(repository, dump, file)).rejects.toMatchObject({ code: 'file-exists' });
    await expect(writeDump(repository, dump, join(file, 'below'))).rejects.toMatchObject({
      code: 'not-writable',
    });
  });

  test('a position is reached exactly: every write up to it, and none after it', async () => {
    const own = new Map(writes.map((write) => [write.key, write]));
    const write = own.get(anyOf(after(first)).key)!;
    const { restored, found } = await restoredTo(targetAt(site.engine, write));
    expect(found).toMatchObject(NOTHING_AMISS);
    expect(found.expected).toBeGreaterThan(0);
    expect(restored.applicationRead).not.toBeNull();
  });

  test('a time is reached exactly: every commit up to it, and none after it', async () => {
    const { us } = anyOf(after(first).slice(0, -1));
    const tick = name === 'mariadb' ? 1_000_000 : 1;
    const { found } = await restoredTo({ kind: 'time', us: Math.floor(us / tick) * tick });
    expect(found).toMatchObject(NOTHING_AMISS);
  });

  test.runIf(name === 'postgres')(
    'a position that the archived log does not come up to is refused',
    async () => {
      const further = `${writes.at(-1)!.position}F` as Position; // sixteen times as far
      const records = await repository.records();
      const spy = vi.spyOn(repository, 'records');
      spy.mockResolvedValue(records.map((one) => (one.kind === 'log' ? { ...one, to: further } : one)));
      try {
        const wanted = { kind: 'position', position: further } as const;
        await expect(restore(site, repository, { wanted, progress: quiet })).rejects.toMatchObject({
          code: 'target-missed',
        });
      } finally {
        spy.mockRestore();
        await repository.list(); // what it remembers came from that, too
      }
    },
  );

  test('a replica that is behind is copied before the primary, and the log leads on from there', async () => {
    const delay = async (seconds: number) => {
      await using admin = await cluster.admin('db-2');
      await site.engine.admin.setApplyDelay(admin, seconds);
    };
    await delay(600);
    let base: BaseRecord;
    try {
      await using primary = await cluster.admin('db-1');
      await primary.query("UPDATE users SET name = 'behind' WHERE id <= 5");
      const { position: head } = await site.engine.client.probe(primary);
      base = await backUp(site, repository, quiet);
      expect(base.node).toBe('db-2');
      expect(site.engine.client.positions.covers(base.position, head)).toBe(false);
    } finally {
      await delay(0);
    }
    expect(isProof(await prove(site, repository, base, quiet))).toBe(true);
    await repository.forget((await repository.list()).filter(({ id }) => id === base.id));
  });

  test.runIf(name === 'mysql')('a copy that is cut off ends in the server too', async () => {
    const cut = new AbortController();
    const onProgress = () => setTimeout(() => cut.abort(new Error('cut off')), 20);
    await expect(backUp(site, repository, onProgress, cut.signal)).rejects.toThrow();
    await using admin = await cluster.admin(first.node);
    const { rows } = await admin.query(
      "SELECT ID FROM performance_schema.processlist WHERE INFO LIKE 'CLONE%'",
    );
    expect(rows).toEqual([]);
  });

  // What the repository does is the same for all engines.
  if (name !== engines.at(-1)) return;

  test('a copy that is cut off leaves nothing that counts', async () => {
    const before = await repository.list();
    const cut = new AbortController();
    const onProgress = (message: string) => {
      if (/^storing/.test(message)) setTimeout(() => cut.abort(new Error('cut off')), 50);
    };
    await expect(backUp(site, repository, onProgress, cut.signal)).rejects.toThrow();
    expect(await repository.list()).toEqual(before);
  });

  test.skipIf(!canMount)(
    'a disk that gets full is said, before or while a copy is stored; nothing is lost',
    async () => {
      const before = await repository.list();
      const shrinkWhenStored = (message: string) => {
        if (/^storing/.test(message)) resizeDisk(site.directory, MIB / 16);
      };
      try {
        await expect(backUp(site, repository, shrinkWhenStored)).rejects.toMatchObject({ code: 'disk-full' });
        resizeDisk(site.directory, 8 * MIB);
        await expect(backUp(site, repository, quiet)).rejects.toMatchObject({ code: 'disk-full' });
      } finally {
        resizeDisk(site.directory, DISK_MIB * MIB);
      }
      expect(await repository.list()).toEqual(before);
    },
  );

  test('a dump that is cut off, or whose tool fails after all, is none; the next one clears it away', async () => {
    const before = await repository.list();
    const cut = new AbortController();
    await expect(
      makeDump(site, repository, () => cut.abort(new Error('cut off')), cut.signal),
    ).rejects.toThrow('cut off');
    const tool = { cwd: site.directory, timeoutMs: 60_000, file: '/bin/sh' };
    const half = { ...tool, args: ['-c', 'head -c 3000000 /dev/urandom; exit 3'] };
    const describe = () => Promise.resolve(dump);
    await expect(repository.addDump(half, describe, () => {})).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringMatching(/exit 3/),
    });
    const unsaid = () => Promise.reject(new Error('nobody says that it is whole'));
    const whole = { ...tool, args: ['-c', 'echo whole'] };
    await expect(repository.addDump(whole, unsaid, () => {})).rejects.toThrow(/nobody says/);
    expect(await repository.list()).toEqual(before);
    const second = await makeDump(site, repository, quiet);
    expect(split(await repository.list()).dumps.map(({ id }) => id)).toEqual([second.id, dump.id]);
    expect(globSync(join(site.directory, 'dumps/snapshots/*'))).toHaveLength(2);
  });

  test('a damaged dump is found, and no file is written', async () => {
    const [newest] = split(await repository.records()).dumps;
    for (const pack of globSync(join(site.directory, 'dumps/data/*/*'))) {
      const bytes = await readFile(pack);
      bytes.fill(0, 0, Math.floor(bytes.length / 2));
      await writeFile(pack, bytes);
    }
    const file = join(site.directory, 'damaged');
    await expect(writeDump(repository, newest!, file)).rejects.toMatchObject({ code: 'damaged' });
    expect(globSync(join(site.directory, '{damaged,.*.part}'))).toEqual([]);
    await repository.forget(split(await repository.records()).dumps);
  });

  test('a damaged copy is found, said and passed over: the one before leads to the same place', async () => {
    const packs = () => globSync(join(site.directory, 'copies/data/*/*'));
    const before = new Set(packs());
    const second = await backUp(site, repository, quiet);
    for (const pack of packs().filter((path) => !before.has(path))) {
      const bytes = await readFile(pack);
      bytes.fill(0, 0, Math.floor(bytes.length / 2));
      await writeFile(pack, bytes);
    }
    await expect(repository.check()).rejects.toMatchObject({ code: 'damaged' });
    await expect(
      restore(site, repository, { wanted: { kind: 'latest' }, base: second.id, progress: quiet }),
    ).rejects.toMatchObject({ code: 'damaged' });
    const restored = await restore(site, repository, { wanted: { kind: 'latest' }, progress: quiet });
    expect(restored.base.id).toBe(first.id);
    expect(restored.damaged).toHaveLength(1);
    expect(restored.comparison).toMatchObject({ differences: [] });
  });
});
