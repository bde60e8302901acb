import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBackupStatus, removeBackupStatus } from '../src/native/backup-status.ts';
import { backupNeeds } from '../src/native/backups.ts';
import { pidFile } from '../src/native/layout.ts';
import { isAlive, readIdentity } from '../src/processes.ts';
import { LOOPBACK, processesNaming, TestLab, whyNot } from './support/lab.ts';
import { commandBlocksOf, runBlock } from './support/page.ts';

// The commands of the tutorial, all of them and in the page's order, on one lab; and that they do what the page says.

const PAGE = 'docs/tutorial/dropped-table.md';
const reason = await whyNot('postgres', backupNeeds('postgres'));
if (reason) console.warn(`NOT RUN: the commands of ${PAGE}: ${reason}`);

const WITHIN = { timeout: 120_000, interval: 200 };

describe.skipIf(reason !== null)(`the commands of ${PAGE}`, () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await TestLab.make();
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes']);
    await rm(lab.stateDir, { recursive: true, force: true });
  });

  /** By block: what the page says of it, once it has run. */
  const expected: Readonly<Record<string, (said: string) => Promise<unknown> | unknown>> = {
    '1. Make a backup, and see it proved': async (said) => {
      expect(said).toMatch(/^Backup \S+: \d+ MiB of db-[23]/m);
      expect(said).toMatch(/restored: 4 tables, \d+ rows, the same as the lab had at/);
      expect(said).toMatch(/^1 backups in .*\n.*proved \d{4}/m);
      expect((await stat(join(lab.stateDir, 'backups/postgres/password'))).mode & 0o777).toBe(0o600);
      expect(await readBackupStatus(lab.stateDir)).toMatchObject({
        engine: 'postgres',
        lastOutcome: 'proved',
      });
    },
    '2. The mistake': (said) => {
      expect(said).toMatch(/"email":"ada@example.test"/);
      expect(said).toMatch(new RegExp(`Restored in .*: postgres at ${LOOPBACK}.60.1:5432, closed to writes`));
      expect(said).toMatch(/users 1/);
      expect(said).toMatch(/application read: user \d+, version 1/);
    },
    '3. Bring the table back': () => {},
    '4. Look, and clean up': (said) => {
      expect(said).toMatch(/"email":"ada@example.test"/);
      expect(said).toMatch(/The scratch node is gone/);
    },
  };
  const blocks = commandBlocksOf(PAGE);

  it('each block of commands has a test, and there is no test of a block that is gone', () => {
    expect(blocks.map(({ name }) => name)).toEqual(Object.keys(expected));
  });

  for (const { name, commands } of blocks) {
    it(name, async () => {
      const here = commands.replaceAll(/127\.0\.(10|60)\.1/g, `${LOOPBACK}.$1.1`);
      await expected[name]?.(await runBlock(lab, { name, commands: here }));
    });
  }

  it('says what is wrong with a target', async () => {
    const future = await lab.run(['restore', '--to-time', '2199-01-01T00:00:00Z']);
    expect(future).toMatchObject({ code: 1 });
    expect(future.stderr).toMatch(/has not come yet.*in-the-future/);
    expect((await lab.run(['restore', '--to-time', 'noon'])).stderr).toMatch(/bad-target/);
    expect((await lab.run(['restore'])).code).toBe(2);
    expect((await lab.run(['backup', '--every', '1s'])).code).toBe(2);
  });

  it('takes a dump, proves it by loading it, and writes it out into a new file', async () => {
    const status = await readBackupStatus(lab.stateDir);
    const said = await lab.must('backup', '--dump');
    expect(said).toMatch(/^Dump \S+: \d+ KiB of db-[23], in /m);
    expect(said).toMatch(/loaded: 4 tables, \d+ rows, the same as the node had at that moment/);
    expect(said).toMatch(/application read: user \d+, version 1/);
    expect(await lab.must('backup', '--list')).toMatch(/^1 dumps\n.*proved \d{4}/m);
    expect(await readBackupStatus(lab.stateDir)).toEqual(status);
    const file = join(lab.stateDir, 'written.dump');
    expect(await lab.must('restore', '--dump', '--to-file', file)).toMatch(/it was proved by loading it/);
    expect((await readFile(file, 'latin1')).slice(0, 5)).toBe('PGDMP');
    expect((await lab.run(['restore', '--dump', '--to-file', file])).stderr).toMatch(/file-exists/);
    expect((await lab.run(['restore', '--dump'])).code).toBe(2);
    expect((await lab.run(['backup', '--dump', '--log'])).code).toBe(2);
  });

  it('begins none anew where the disk with the backups is not mounted', async () => {
    const [here, away] = [join(lab.stateDir, 'backups/postgres'), join(lab.stateDir, 'elsewhere')];
    await rename(here, away);
    try {
      expect(await lab.run(['backup', '--list'])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/backups-gone/),
      });
    } finally {
      await rename(away, here);
    }
  });

  it('goes on after a backup that was not ready in time, and ends well when it is told to', async () => {
    // Nothing was tried yet, as far as it knows: the first is due at once.
    await removeBackupStatus(lab.stateDir);
    const schedule = lab.start(['backup', '--every', '1h', '--deadline', '500ms']);
    await expect.poll(() => readBackupStatus(lab.stateDir), WITHIN).toMatchObject({ lastOutcome: 'failed' });
    expect((await lab.run(['backup', '--every', '1h'])).stderr).toMatch(/busy/);
    schedule.kill('SIGTERM');
    const ended = await schedule;
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).toMatch(/FAILED: .*not ready within 500 ms/);
  });

  it('makes backups by itself as a part of the lab, leaves a restored node alone, and ends with the lab', async () => {
    await removeBackupStatus(lab.stateDir);
    await lab.must('restore', '--latest');
    await lab.must('up', '--with', 'backups');
    await expect.poll(() => readBackupStatus(lab.stateDir), WITHIN).toMatchObject({ lastOutcome: 'proved' });
    const service = await readIdentity(pidFile(lab.stateDir, 'backups'));
    expect(service).not.toBeNull();
    expect(processesNaming(join(lab.stateDir, 'scratch/postgres'))).not.toEqual([]);
    await lab.must('down', '--volumes');
    expect(await readIdentity(pidFile(lab.stateDir, 'backups'))).toBeNull();
    expect(isAlive(service!)).toBe(false);
    expect(await readBackupStatus(lab.stateDir)).toBeNull();
    expect(processesNaming(lab.stateDir)).toEqual([]);
    await expect(stat(join(lab.stateDir, 'backups/postgres/copies/config'))).resolves.toBeDefined();
  });
});
