import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Trial } from '../src/drill/types.ts';
import { leftOf, ownDockerPlace, whyNoDocker } from './support/docker.ts';
import { TestLab } from './support/lab.ts';

const ENGINE = 'postgres';
/** The images may have to be built first. */
const DRILLED_WITHIN_MS = 600_000;

const reason = await whyNoDocker(['postgres:18', 'haproxy:3.2', 'node:24-slim']);
if (reason) console.warn(`NOT RUN: a drill of the network: ${reason}`);

describe.skipIf(reason !== null)(`a drill of the network of the docker lab with ${ENGINE}`, () => {
  const project = `lab-test-drill-${randomBytes(3).toString('hex')}`;
  let lab: TestLab;
  let place: Readonly<Record<string, string>>;
  beforeAll(async () => {
    lab = await TestLab.make('quorum');
    place = await ownDockerPlace(project);
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes', '--runtime', 'docker'], place);
    await rm(lab.stateDir, { recursive: true, force: true });
    expect(await leftOf(project)).toBe('');
  });

  it('a primary that its replicas and supervisors do not hear is replaced, and acknowledges nothing more', {
    timeout: DRILLED_WITHIN_MS,
  }, async () => {
    const record = join(lab.stateDir, 'record.jsonl');
    const what = ['--runtime', 'docker', '--engine', ENGINE, '--fault', 'partition-primary', '--trials', '1'];
    // Less load than a measurement has: it shares the machine with everything else that is tested.
    const load = ['--writes', '20', '--reads', '40'];
    const ran = await lab.run(['drill', ...what, ...load, '--record', record], place, DRILLED_WITHIN_MS);
    expect(`${ran.code} ${ran.stderr}`).toMatch(/^0 /);
    const trial: Trial = JSON.parse(await readFile(record, 'utf8'));
    expect(trial).toMatchObject({
      ...{ fault: 'partition-primary', engine: ENGINE, runtime: 'docker', problems: [], failover: true },
      ...{ lostWrites: 0, doubleAcks: 0, duplicates: 0, refusedButDone: 0 },
    });
    expect(trial.ackedWrites).toBeGreaterThan(0);
  });
});
