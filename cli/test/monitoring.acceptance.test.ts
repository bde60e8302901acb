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
import { TestLab, whyNot } from './support/lab.ts';

const DEADLINE_MS = 60_000;
const promtool = await findProgram('promtool');
const missing = (await monitoringNeed.present()) ? null : `${monitoringNeed.what} are not installed`;
const reason = missing ?? (await whyNot('mariadb'));
if (reason) console.warn(`NOT RUN: monitoring: ${reason}`);

const monitoring = join(repositoryRoot, 'infra/monitoring');

it.skipIf(promtool === null)('every alert comes when it should, and not otherwise', async () => {
  const { stdout } = await execa(promtool!, ['test', 'rules', 'rules.test.yml'], { cwd: monitoring });
  expect(stdout).toContain('SUCCESS');
});

describe.skipIf(reason !== null)('the native lab with monitoring', () => {
  let lab: TestLab;
  let urls: LabStatus['urls'];

  beforeAll(async () => {
    lab = await TestLab.make();
    await lab.must('up', '--runtime', 'native', '--engine', 'mariadb', '--with', 'monitoring');
    urls = (await lab.status()).urls;
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes']);
    await rm(lab.stateDir, { recursive: true, force: true });
  });

  const query = async (expression: string) => {
    const url = new URL(`/api/v1/query?query=${encodeURIComponent(expression)}`, urls.prometheus);
    const { data } = (await (await fetch(url)).json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result;
  };
  const caught = async (via: Caught['via'], words: string) => {
    const { notices } = (await (await fetch(`${urls.notices}notices`)).json()) as { notices: Caught[] };
    return notices.some((notice) => notice.via === via && notice.title.includes(words));
  };
  const until = (what: string, check: () => Promise<boolean>) =>
    waitFor(check, { what, timeoutMs: DEADLINE_MS, everyMs: 200 });

  it('asks every part, and each rule has an answer', async () => {
    await until('all targets to answer', async () => {
      const up = await query('up');
      return up.length === 7 && up.every(({ value }) => value[1] === '1');
    });
    for (const rule of [
      'lab:node_up',
      'lab:node_staleness_seconds',
      'lab:node_replicating',
      'lab:primary_epoch',
    ])
      await until(rule, async () => (await query(rule)).length > 0);
    await until('a supervisor that is armed', async () => {
      const [armed] = await query('max(supervisor_armed)');
      return armed?.value[1] === '1';
    });
    expect(await query('ALERTS{alertstate="firing"}')).toEqual([]);
  });

  it('tells a person that a replica is gone, by webhook and by mail, and that it is back', async () => {
    await lab.must('fault', 'kill', 'db-3', '--background', '--for', '120s');
    await until('the webhook', () => caught('webhook', 'firing: ReplicaMissing (db-3 does not answer)'));
    await until('the mail', () => caught('mail', '[FIRING:1] ReplicaMissing'));
    await lab.must('heal');
    await until('its end', () => caught('webhook', 'resolved: ReplicaMissing'));
    await until('its end, by mail', () => caught('mail', '[RESOLVED] ReplicaMissing'));
  });

  it('is up already, and comes back when it was killed', async () => {
    const up = ['up', '--runtime', 'native', '--engine', 'mariadb', '--with', 'monitoring'];
    expect(await lab.must(...up)).toMatch(/^Already up/);
    await lab.must('fault', 'kill', 'prometheus', '--background', '--for', '120s');
    await lab.must('heal');
    expect(await query('up')).toHaveLength(7);
  });
});
