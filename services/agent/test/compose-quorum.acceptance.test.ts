import type { Caught } from '@replication-lab/catcher';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Acknowledged, AcknowledgedWrites, create } from './support/acknowledged.ts';
import { ComposeLab, NODES, type NodeName, type SupervisorSays } from './support/compose-lab.ts';
import { sayNotRun, whyNot } from './support/docker.ts';
import { memoryOf, sumOf } from './support/memory.ts';
import { expectVipReaches } from './support/vip.ts';
import { until } from './support/wait.ts';

// `docker compose up` with nothing prepared and nothing set: commits wait for a replica, and a dead primary is replaced.

const DEADLINE_MS = 60_000;
const MEMORY_LIMIT_MB = 2500;
const record = (what: string, value: unknown) =>
  console.log(`[compose quorum] ${what}: ${JSON.stringify(value)}`);

const notRun = await whyNot(['haproxy:3.2', 'node:24-slim', 'mysql:9.7']);
if (notRun) sayNotRun('compose acceptance, quorum', notRun);

describe.skipIf(notRun)('docker compose up, as it comes', () => {
  let lab: ComposeLab;
  const acknowledged: Acknowledged[] = [];
  beforeAll(async () => {
    lab = await ComposeLab.asItComes();
    await lab.ok(['build', '--quiet'], 600_000);
  });
  afterAll(async () => lab?.downAndNothingLeft());

  /** Who acts, once a dead primary could be replaced: all three nodes take part. */
  const untilArmed = async (): Promise<SupervisorSays> => {
    const { value } = await until('a supervisor is armed', DEADLINE_MS, async () => {
      const both = await Promise.all(['supervisor-1', 'supervisor-2'].map((name) => lab.supervisor(name)));
      return both.find((says) => says?.phase === 'watching' && says.armed.ok);
    });
    return value;
  };

  const untilFollows = (node: NodeName) =>
    until(`${node} follows`, DEADLINE_MS, async () => {
      const { role, replicating } = await lab.health(node);
      return role === 'replica' && replicating;
    });

  /** A node other than `old` is the primary, and the virtual address is there. */
  async function untilReplaced(old: NodeName): Promise<NodeName> {
    const others = NODES.filter((node) => node !== old);
    const { value: primary } = await until('a replica is promoted', DEADLINE_MS, async () => {
      const roles = await Promise.all(others.map(async (node) => (await lab.health(node)).role));
      return others[roles.indexOf('primary')];
    });
    await until(`${primary} has the address`, DEADLINE_MS, async () => {
      const holders = await lab.vipHolders();
      return holders.length === 1 && holders[0] === primary;
    });
    await expectVipReaches(lab, primary, others);
    return primary;
  }

  async function expectNothingLost(): Promise<void> {
    for (const { id, email } of acknowledged) {
      const response = await fetch(`${lab.baseUrl}/users/${id}`, {
        headers: { 'Consistency-Level': 'primary' },
      });
      expect(await response.json()).toMatchObject({ id, email });
    }
  }

  test('is armed, with two supervisors', async () => {
    record('seconds from `up --wait` to ready', await lab.up());
    expect(await untilArmed()).toMatchObject({ primary: 'db-1', epoch: 1 });
    const states = (await lab.services()).map((s) => `${s.Service} ${s.Health || s.ExitCode}`);
    expect(states.sort()).toEqual([
      ...['api-1 healthy', 'api-2 healthy', 'api-3 healthy', 'bootstrap 0', 'catcher healthy'],
      'certificates 0',
      ...[
        'db-1 healthy',
        'db-2 healthy',
        'db-3 healthy',
        'haproxy healthy',
        'mysql-1 healthy',
        'mysql-2 healthy',
        'mysql-3 healthy',
      ],
      ...['supervisor-1 healthy', 'supervisor-2 healthy'],
    ]);
  });

  test('API replicas and supervisors answer nobody in clear text', async () => {
    for (const url of ['http://api-1:3000/livez', 'http://supervisor-1:8090/livez']) {
      const asked = await lab.compose(['exec', '-T', 'db-2', 'curl', '-sS', '--max-time', '5', url]);
      // 52: an empty answer; 56: the connection was cut.
      expect([52, 56], `${url}: ${asked.all}`).toContain(asked.code);
    }
  });

  test('HAProxy reaches the API replicas and nothing behind them', async () => {
    const at = async (name: string, ...ports: number[]) => {
      const address = await lab.backAddress(name);
      return ports.map((port) => `${address}/${port}`);
    };
    const behind = [
      ...(await Promise.all(NODES.map((node) => at(node, 3306, 8080)))).flat(),
      `${lab.vip}/3306`,
      ...(await Promise.all(['supervisor-1', 'supervisor-2'].map((name) => at(name, 8090)))).flat(),
      ...(await at('catcher', 8025, 8026)),
    ];
    expect(await lab.reached('api-1', behind)).toEqual(behind);
    const replicas = ['api-1/3000', 'api-2/3000', 'api-3/3000'];
    expect(await lab.reached('haproxy', [...replicas, ...behind])).toEqual(replicas);
  });

  test('a killed primary is replaced: no acknowledged write is lost, and the address follows', async () => {
    const writes = new AcknowledgedWrites(lab.baseUrl);
    await writes.more(50);
    await lab.ok(['kill', '--signal', 'SIGKILL', 'mysql-1']);
    await untilReplaced('db-1');
    await writes.more(50);
    acknowledged.push(...(await writes.stop()));
    record('acknowledged writes', acknowledged.length);
    await expectNothingLost();
  });

  test('a person is told of it, by webhook and by mail', async () => {
    await until('both notices', DEADLINE_MS, async () => {
      const { notices } = (await (await fetch(lab.noticesUrl)).json()) as { notices: Caught[] };
      const told = notices.filter(({ title }) => title.includes('in place of db-1, epoch 2'));
      return (
        told.length === 2 &&
        told
          .map(({ via }) => via)
          .sort()
          .join() === 'mail,webhook'
      );
    });
  });

  test('the old primary comes back as a follower, and the lab is armed again, in less than 2.5 GB', async () => {
    await lab.ok(['start', 'mysql-1']);
    await untilFollows('db-1');
    expect(await untilArmed()).toMatchObject({ epoch: 2 });
    const memory = await memoryOf(lab);
    record('memory, MB', Object.fromEntries(memory));
    expect(memory.size).toBe(13);
    expect(sumOf([...memory.values()].map(({ limitMb }) => limitMb))).toBeLessThan(MEMORY_LIMIT_MB);
  });

  test('an old primary with a write that nobody confirmed is made anew', async () => {
    const { primary } = await untilArmed();
    const old = primary as NodeName;
    const replicas = NODES.filter((node) => node !== old).map((node) => lab.database(node));
    // Killed, not paused: what a paused one has in its socket it would still receive.
    await lab.ok(['kill', '--signal', 'SIGKILL', ...replicas]);
    const email = 'tail@quorum.test';
    const answer = await create(`${lab.baseUrl}/users`, email, 1_500);
    expect(answer?.status).not.toBe(201);
    await lab.ok(['kill', '--signal', 'SIGKILL', lab.database(old)]);
    await lab.ok(['start', ...replicas]);
    await untilReplaced(old);
    await lab.ok(['start', lab.database(old)]);
    await untilFollows(old);
    await untilArmed();
    expect(await lab.sql(old, `SELECT count(*) FROM users WHERE email = '${email}'`)).toBe('0');
    const { stdout } = await lab.ok(['logs', '--no-log-prefix', 'supervisor-1', 'supervisor-2']);
    expect(stdout).toMatch(new RegExp(`"rebuild ${old} .*: done`));
    await expectNothingLost();
  });
});
