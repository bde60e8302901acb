import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Caught } from '@replication-lab/catcher';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monitoringNeed } from '../src/native/monitoring.ts';
import { findProgram } from '../src/native/packages.ts';
import { repositoryRoot } from '../src/paths.ts';
import type { LabStatus } from '../src/status/types.ts';
import { waitFor } from '../src/wait.ts';
import { API_URL, TestLab, whyNot } from './support/lab.ts';
import { AskedPrometheus } from './support/prometheus.ts';
import { WriteLoad } from './support/write-load.ts';

const DEADLINE_MS = 60_000;
const promtool = await findProgram('promtool');
const reason = await whyNot('mariadb', [monitoringNeed]);
if (reason) console.warn(`NOT RUN: monitoring: ${reason}`);

const monitoring = join(repositoryRoot, 'infra/monitoring');

it.skipIf(promtool === null)('every alert comes when it should, and not otherwise', async () => {
  const { stdout } = await execa(promtool!, ['test', 'rules', 'rules.test.yml'], { cwd: monitoring });
  expect(stdout).toContain('SUCCESS');
});

describe.skipIf(reason !== null)('the native lab with monitoring', () => {
  let lab: TestLab;
  let urls: LabStatus['urls'];
  let prometheus: AskedPrometheus;

  beforeAll(async () => {
    lab = await TestLab.make();
    await lab.must('up', '--runtime', 'native', '--engine', 'mariadb', '--with', 'monitoring');
    urls = (await lab.status()).urls;
    prometheus = new AskedPrometheus(urls.prometheus!);
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes']);
    await rm(lab.stateDir, { recursive: true, force: true });
  });

  const caught = async (via: Caught['via'], words: string) => {
    const { notices } = (await (await fetch(`${urls.notices}notices`)).json()) as { notices: Caught[] };
    return notices.some((notice) => notice.via === via && notice.title.includes(words));
  };
  const until = (what: string, check: () => Promise<boolean>) =>
    waitFor(check, { what, timeoutMs: DEADLINE_MS, everyMs: 200 });

  it('asks every part, and each rule has an answer', async () => {
    await until('all targets to answer', () => prometheus.everyPartAnswers(8));
    for (const rule of [
      'lab:node_up',
      'lab:node_staleness_seconds',
      'lab:node_replicating',
      'lab:primary_epoch',
    ])
      await until(rule, async () => (await prometheus.query(rule)).length > 0);
    await until('a supervisor that is armed', async () => {
      const [armed] = await prometheus.query('max(supervisor_armed)');
      return armed?.value[1] === '1';
    });
    expect(await prometheus.query('ALERTS{alertstate="firing"}')).toEqual([]);
  });

  it('tells a person that the primary is gone and was replaced, by webhook and by mail, and that it is back', async () => {
    const load = new WriteLoad(`${API_URL}/users`, 1);
    await lab.must('fault', 'kill', 'db-1', '--background', '--for', '120s');
    await until('the webhook', () => caught('webhook', 'firing: ReplicaMissing (db-1 does not answer)'));
    await until('the other alert', () => caught('webhook', 'firing: FailoverHappened'));
    await until('the mail', () => caught('mail', '[FIRING:1] ReplicaMissing'));
    await load.acknowledgedMore(20);
    await until('reads to be counted', async () => {
      expect((await fetch(`${API_URL}/users?limit=1`)).status).toBe(200);
      return prometheus.hasAnswered('lab:reads_on_primary:ratio30s');
    });
    await load.stop();
    await lab.must('heal');
    await until('its end', () => caught('webhook', 'resolved: ReplicaMissing'));
    await until('its end, by mail', () => caught('mail', '[RESOLVED] ReplicaMissing'));
  });

  it('has an answer for each question of the dashboard, after that', async () => {
    expect(await prometheus.unansweredOfDashboard()).toEqual([]);
  });

  it('knows the disk and the certificates', async () => {
    await until('their figures', async () => {
      const [disk] = await prometheus.query('lab_disk_free_bytes / lab_disk_size_bytes');
      return (
        Number(disk?.value[1]) > 0 &&
        (await prometheus.query('lab_certificate_end_timestamp_seconds')).length > 6
      );
    });
  });

  it('is up already, and comes back when it was killed', async () => {
    const up = ['up', '--runtime', 'native', '--engine', 'mariadb', '--with', 'monitoring'];
    expect(await lab.must(...up)).toMatch(/^Already up/);
    await lab.must('fault', 'kill', 'prometheus', '--background', '--for', '120s');
    await lab.must('heal');
    expect(await prometheus.query('up')).toHaveLength(8);
  });
});
