import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docker, sayNotRun, whyNot } from '../../services/agent/test/support/docker.ts';
import { freeNetwork, freePort, leftOf } from '../../services/agent/test/support/docker-place.ts';
import type { Trial } from '../src/drill/types.ts';
import { waitFor } from '../src/wait.ts';
import { TestLab } from './support/lab.ts';
import { ReadLoad } from './support/load.ts';
import { shownBy } from './support/tls.ts';

const ENGINE = 'postgres';
/** The images may have to be built first. */
const WITHIN_MS = 600_000;

const reason = await whyNot(['postgres:18', 'haproxy:3.2', 'node:24-slim']);
if (reason) sayNotRun('a drill of the network', reason);

/** What makes `./lab --runtime docker` a lab of its own name, network and ports: it meets no other. */
async function ownPlace(project: string): Promise<Readonly<Record<string, string>>> {
  const [http, stats, https, notices] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  return {
    ...{ COMPOSE_PROJECT_NAME: project, NET_PREFIX: await freeNetwork() },
    ...{ HTTP_PORT: `${http}`, STATS_PORT: `${stats}`, HTTPS_PORT: `${https}`, NOTICES_PORT: `${notices}` },
  };
}

describe.skipIf(reason !== null)(`a drill of the network of the docker lab with ${ENGINE}`, () => {
  const project = `lab-test-drill-${randomBytes(3).toString('hex')}`;
  let lab: TestLab;
  let place: Readonly<Record<string, string>>;
  const run = (...args: string[]) => lab.run(args, place, WITHIN_MS);
  beforeAll(async () => {
    lab = await TestLab.make('quorum');
    place = await ownPlace(project);
    const up = await run('up', '--runtime', 'docker', '--engine', ENGINE);
    if (up.code !== 0) throw new Error(`the lab did not come up\n${up.stdout}\n${up.stderr}`);
  }, WITHIN_MS);
  afterAll(async () => {
    await run('down', '--volumes');
    await rm(lab.stateDir, { recursive: true, force: true });
    expect(await leftOf(project)).toBe('');
  });

  it('answers over TLS too, and renews all certificates without a failed request', {
    timeout: WITHIN_MS,
  }, async () => {
    const https = `https://127.0.0.1:${place.HTTPS_PORT}`;
    const inApi = ['compose', '--project-name', project, 'exec', '-T', 'api-1', 'cat', '/lab/tls/ca.pem'];
    const ca = (await docker(inApi)).stdout;
    const before = await shownBy(https, ca);
    const load = new ReadLoad(`http://127.0.0.1:${place.HTTP_PORT}/users?limit=5`);
    const { code, stdout } = await run('certs', '--renew', '--json');
    const { failures, answered } = await load.stop();
    expect({ code, failures }).toEqual({ code: 0, failures: [] });
    expect(answered).toBeGreaterThan(10);
    expect(JSON.parse(stdout)).toHaveLength(21);
    const after = await waitFor(
      async () => {
        const shown = await shownBy(https, ca);
        return shown.serialNumber === before.serialNumber ? null : shown;
      },
      { what: 'HAProxy to show its new certificate', timeoutMs: 20_000 },
    );
    expect(after.status).toBe(200);
  });

  it('a primary that its replicas and supervisors do not hear is replaced, and acknowledges nothing more', {
    timeout: WITHIN_MS,
  }, async () => {
    const record = join(lab.stateDir, 'record.jsonl');
    const what = ['--fault', 'partition-primary', '--trials', '1', '--record', record];
    // Less load than a measurement has: it shares the machine with everything else that is tested.
    const load = ['--writes', '20', '--reads', '40'];
    await run('drill', ...what, ...load);
    const trial: Trial = JSON.parse(await readFile(record, 'utf8'));
    expect(trial).toMatchObject({
      ...{ fault: 'partition-primary', engine: ENGINE, runtime: 'docker', problems: [], failover: true },
      ...{ lostWrites: 0, doubleAcks: 0, duplicates: 0, refusedButDone: 0 },
    });
    expect(trial.ackedWrites).toBeGreaterThan(0);
  });
});
