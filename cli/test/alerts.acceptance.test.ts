import { mkdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { STOP_APPLYING } from '../src/drill/words.ts';
import { noteAttempt } from '../src/native/backup-status.ts';
import { backupNeeds } from '../src/native/backups.ts';
import { prepareCertificates } from '../src/native/certificates.ts';
import { monitoringNeed } from '../src/native/monitoring.ts';
import { openRuntime } from '../src/open-runtime.ts';
import { repositoryRoot } from '../src/paths.ts';
import { readState } from '../src/state.ts';
import { waitFor } from '../src/wait.ts';
import { API_URL, TestLab, whyNot } from './support/lab.ts';
import { Notices } from './support/notices.ts';
import { WriteLoad } from './support/write-load.ts';

// Each alert, fired by what it is there for and ended by its mend, as a person is told of it: by webhook and by mail.

const DAY_MS = 86_400_000;
// The lab lives on a small disk of its own, which can be filled.
const noMount = process.getuid?.() === 0 ? null : 'only root can mount a small disk';
const reason = noMount ?? (await whyNot('mariadb', [...backupNeeds('mariadb'), monitoringNeed]));
if (reason) console.warn(`NOT RUN: every alert, for real: ${reason}`);

const GROUPS = {
  upkeep: ['CertificateNearEnd', 'BackupTooOld', 'BackupFailed'],
  disk: ['DiskNearlyFull'],
  parts: [
    'ReplicaLagWarning',
    'ReplicaLagCritical',
    'ReplicationStopped',
    'ApiReplicaDown',
    'SupervisorDown',
  ],
  oneNode: ['FailoverHappened', 'ReplicaMissing'],
  twoNodes: ['NoPrimary', 'WriteErrors', 'NoSupervisorActs', 'NotArmed'],
};

it('no alert is left out', async () => {
  const file = join(repositoryRoot, 'infra/monitoring/rules/alerts.yml');
  const { groups } = parse(await readFile(file, 'utf8'));
  const alerts = groups.flatMap(({ rules }: { rules: { alert: string }[] }) =>
    rules.map(({ alert }) => alert),
  );
  expect(Object.values(GROUPS).flat().toSorted()).toEqual(alerts.toSorted());
});

describe.skipIf(reason !== null)('every alert, for real', () => {
  let lab: TestLab;
  let notices: Notices;
  let tinyDisk: string;

  beforeAll(async () => {
    lab = await TestLab.make();
    await mount('3g', lab.stateDir);
    tinyDisk = join(lab.stateDir, 'tiny-disk');
    await mkdir(tinyDisk);
    await mount('1m', tinyDisk);
    await lab.must('up', '--runtime', 'native', '--engine', 'mariadb', '--with', 'monitoring');
    notices = new Notices((await lab.status()).urls.notices!);
    await untilArmed();
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes']);
    await execa('umount', ['--recursive', lab.stateDir], { reject: false });
    await rm(lab.stateDir, { recursive: true, force: true });
  });

  const untilArmed = () =>
    waitFor(async () => (await lab.status()).armed.ok, { what: 'the lab to be armed', timeoutMs: 60_000 });
  const state = async () => (await readState(lab.stateDir))!;

  it(`${GROUPS.upkeep}`, async () => {
    // Made 28 of their 30 days ago.
    await prepareCertificates(lab.stateDir, await state(), 'renew', new Date(Date.now() - 28 * DAY_MS));
    const longAgoMs = Date.now() - DAY_MS;
    const proved = { atMs: longAgoMs, bytes: 1, node: 'db-2' };
    await noteAttempt(lab.stateDir, { engine: 'mariadb', startedMs: longAgoMs, proved });
    expect((await lab.run(['backup'], { LAB_BACKUP_DIR: tinyDisk })).code).toBe(1);
    await notices.fired(...GROUPS.upkeep);
    await lab.must('certs', '--renew');
    await lab.must('backup');
    await notices.resolved(...GROUPS.upkeep);
  });

  it(`${GROUPS.disk}`, async () => {
    const { bavail, blocks, bsize } = await statfs(lab.stateDir);
    const ballast = join(lab.stateDir, 'ballast');
    await execa('fallocate', ['-l', String(Math.ceil((bavail - 0.03 * blocks) * bsize)), ballast]);
    await notices.fired(...GROUPS.disk);
    await rm(ballast);
    await notices.resolved(...GROUPS.disk);
  });

  it(`${GROUPS.parts}`, async () => {
    const runtime = openRuntime(lab.stateDir, await state());
    await lab.must('fault', 'lag', 'db-3', '--by', '15s', '--background', '--for', '170s');
    await runtime.queryAsAdmin('db-2', [STOP_APPLYING.mariadb]);
    await lab.must('fault', 'kill', 'api-2', '--background', '--for', '170s');
    await lab.must('fault', 'kill', 'supervisor-2', '--background', '--for', '170s');
    await notices.fired(...GROUPS.parts);
    await runtime.queryAsAdmin('db-2', ['START SLAVE SQL_THREAD']);
    await lab.must('heal');
    await notices.resolved(...GROUPS.parts);
    await untilArmed();
  });

  it(`${GROUPS.oneNode}, ${GROUPS.twoNodes}`, async () => {
    const load = new WriteLoad(`${API_URL}/users`, 2);
    await lab.must('fault', 'kill', 'db-1', '--background', '--for', '170s');
    await notices.fired(...GROUPS.oneNode);
    const { primary } = await lab.status();
    await lab.must('fault', 'kill', primary!, '--background', '--for', '170s');
    await notices.fired(...GROUPS.twoNodes);
    await lab.must('heal');
    await load.acknowledgedMore(10);
    await load.stop();
    await notices.resolved(...GROUPS.oneNode, ...GROUPS.twoNodes);
  });
});

const mount = (size: string, path: string) =>
  execa('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', path]);
