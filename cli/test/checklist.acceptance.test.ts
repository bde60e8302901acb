import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupNeeds } from '../src/native/backups.ts';
import { monitoringNeed } from '../src/native/monitoring.ts';
import { waitFor } from '../src/wait.ts';
import { LOOPBACK, processesNaming, TestLab, whyNot } from './support/lab.ts';
import { commandBlocksOf, runBlock } from './support/page.ts';

// The commands of the checklist, all of them and in the page's order, on one lab; and that they show what the page says.

const PAGE = 'docs/guides/checklist.md';
const reason = await whyNot('postgres', [...backupNeeds('postgres'), monitoringNeed]);
if (reason) console.warn(`NOT RUN: the commands of ${PAGE}: ${reason}`);

describe.skipIf(reason !== null)(`the commands of ${PAGE}`, () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await TestLab.make();
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes']);
    await rm(lab.stateDir, { recursive: true, force: true });
  });

  const untilArmed = () =>
    waitFor(async () => (await lab.status()).armed.ok, { what: 'the lab to be armed', timeoutMs: 60_000 });

  /** By block: what the page says of it, once it has run. */
  const expected: Readonly<Record<string, (said: string) => Promise<unknown> | unknown>> = {
    'The checklist, shown on a running lab': untilArmed,
    Replication: (said) => {
      expect(said).toMatch(/primary: db-1/);
      expect(said).toMatch(/pg_stat_replication(.*\n)+.*db_2 .*streaming.*\n.*db_3 .*streaming/);
    },
    'Read and write separation': (said) => {
      expect(said).toMatch(/data-node: db-1/i);
      expect(said).toMatch(/data-role: primary/i);
      const reads = [...said.matchAll(/^ +(\d+) data-node: db-[23]\r?$/gim)].map(([, count]) =>
        Number(count),
      );
      expect(reads.reduce((a, b) => a + b, 0)).toBe(6);
    },
    Monitoring: async () => {
      // The first scrapes may be a moment away: asked again until both replicas are there.
      const block = blocks.find(({ name }) => name === 'Monitoring')!;
      await waitFor(async () => (await run(block)).match(/"db-[23]"/g)?.length === 2, {
        what: 'Prometheus to know two replicas',
        timeoutMs: 60_000,
      });
    },
    'Lag alerts': (said) => expect(said).toMatch(/^ReplicaLagWarning$/m),
    'Eventual consistency, tested': (said) => expect(said).toMatch(/eventual: 404\nsession: {2}200/),
    TLS: (said) => expect(said).toMatch(/db-3/),
    Backups: (said) => {
      expect(said).toMatch(/the same as the lab had at/);
      expect(said).toMatch(/proved \d{4}/);
    },
    Failover: async () => {
      await untilArmed();
      expect((await lab.status()).epoch).toBeGreaterThan(1);
    },
    'Failover procedures': async (said) => {
      expect(said).toMatch(/db-1 is the primary/);
      await untilArmed();
    },
    'Troubleshooting 1': (said) => {
      expect(said).toMatch(/db-3 .*down/);
      expect(said).toMatch(/failover not armed: voter-silent: db-3/);
    },
    'Troubleshooting 2': () => expect(processesNaming(lab.stateDir)).toEqual([]),
  };
  const blocks = commandBlocksOf(PAGE);
  const run = (block: (typeof blocks)[number]) =>
    runBlock(lab, { ...block, commands: block.commands.replaceAll('127.0.50.', `${LOOPBACK}.50.`) });

  it('each block of commands has a test, and there is no test of a block that is gone', () => {
    expect(blocks.map(({ name }) => name)).toEqual(Object.keys(expected));
  });

  for (const block of blocks) {
    it(block.name, async () => {
      await expected[block.name]?.(await run(block));
    });
  }
});
