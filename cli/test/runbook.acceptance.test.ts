import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../src/wait.ts';
import { processesNaming, TestLab, whyNot } from './support/lab.ts';
import { commandBlocksOf, runBlock } from './support/page.ts';

// The commands of the runbook, all of them and in the page's order, on one lab; and that they do what the page says.

const PAGE = 'docs/guides/failover.md';
const DEADLINE_MS = 60_000;
const reason = await whyNot('mariadb');
if (reason) console.warn(`NOT RUN: the commands of ${PAGE}: ${reason}`);

describe.skipIf(reason !== null)(`the commands of ${PAGE}`, () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await TestLab.make();
    await lab.must('up', '--runtime', 'native', '--engine', 'mariadb');
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes']);
    await rm(lab.stateDir, { recursive: true, force: true });
  });

  const until = (what: string, ask: () => Promise<boolean>) => waitFor(ask, { what, timeoutMs: DEADLINE_MS });
  const untilArmed = () =>
    until('the lab to be armed', async () => {
      const { armed, primary } = await lab.status();
      return armed.ok && primary !== null;
    });
  let deposed = '';

  /** By block: what the page says of it, once it has run. */
  const expected: Readonly<Record<string, (said: string) => Promise<unknown> | unknown>> = {
    'If you came here at night': (said) => {
      expect(said).toMatch(/primary: db-1 .epoch 1/);
      expect(said).toMatch(/failover armed/);
      expect(said).toMatch(/armed: if the primary died now/);
    },
    'Try it 1': (said) => expect(said).toMatch(/Already up: mariadb, replicated, quorum, native/),
    'Try it 2': (said) => {
      expect(said.match(/ 201$/gm)).toHaveLength(5);
      expect(said).toMatch(/primary: db-[23] .epoch 2/);
      expect(said).toMatch(/failover not armed: voter-silent: db-1 does not answer/);
    },
    'Read the proof': (said) => {
      expect(said).toMatch(/db-1 is taken for dead/);
      expect(said).toMatch(/"what": "chosen".*"held".*"detachedAt".*"old"/s);
    },
    'Bring the old primary back 1': untilArmed,
    'Bring the old primary back 2': (said) =>
      expect(JSON.parse(said)).toMatchObject({ status: 409, code: 'order-refused' }),
    'When it refuses 1': async (said) => {
      expect(said).toMatch(/primary: none/);
      expect(said).toMatch(/no supervisor acts/);
      deposed = /^kill is in force: (db-[23])/m.exec(said)![1]!;
      await until('the old primary to have its office again', async () => {
        const { primary, epoch } = await lab.status();
        return primary === deposed && epoch === 3;
      });
    },
    'When it refuses 2': () =>
      until('db-1 to follow', async () => {
        const { primary, nodes } = await lab.status();
        return primary === deposed && nodes.some(({ name, replicating }) => name === 'db-1' && replicating);
      }),
    'Back to three nodes': async () => {
      await untilArmed();
      expect((await lab.status()).nodes.map(({ up }) => up)).toEqual([true, true, true]);
    },
    'Change the primary on purpose': async (said) => {
      expect(said).toMatch(/^db-[23] is the primary in place of db-[123], epoch 4/m);
      expect(said).toMatch(/closed to writes for \d+ ms/);
      await untilArmed();
    },
    'Without the net: `DURABILITY=async` 1': (said) => {
      expect(said).toMatch(/may be lost; nobody is promoted/);
      expect(said).toMatch(/failover not armed: DURABILITY=async/);
    },
    'Without the net: `DURABILITY=async` 2': (said) => {
      expect(said).toMatch(/failover armed/);
      expect(processesNaming(lab.stateDir)).toEqual([]);
    },
  };
  const blocks = commandBlocksOf(PAGE);

  it('each block of commands has a test, and there is no test of a block that is gone', () => {
    expect(blocks.map(({ name }) => name)).toEqual(Object.keys(expected));
  });

  for (const block of blocks) {
    it(block.name, async () => {
      await expected[block.name]?.(await runBlock(lab, block));
    });
  }
});
