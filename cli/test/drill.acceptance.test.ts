import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCENARIOS } from '../src/drill/scenarios.ts';
import type { Trial } from '../src/drill/types.ts';
import { NATIVE_ENGINES, TestLab, whyNot } from './support/lab.ts';

const NATIVE = SCENARIOS.filter(({ runtimes }) => runtimes.includes('native')).map(({ name }) => name);
const ALL_WITHIN_MS = 600_000;

for (const engine of NATIVE_ENGINES) {
  const reason = await whyNot(engine);
  if (reason) console.warn(`NOT RUN: drills with ${engine}: ${reason}`);

  describe.skipIf(reason !== null)(`drills of the native lab with ${engine}`, () => {
    let lab: TestLab;
    let record: string;
    beforeAll(async () => {
      lab = await TestLab.make('quorum');
      record = join(lab.stateDir, 'record.jsonl');
      await lab.must('up', '--runtime', 'native', '--engine', engine);
    });
    afterAll(async () => {
      await lab.run(['down', '--volumes']);
      await rm(lab.stateDir, { recursive: true, force: true });
    });

    const recorded = async (): Promise<Trial[]> =>
      (await readFile(record, 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));

    it('each fault once: nothing is lost, nothing is done twice, and a failover comes when it has to', {
      timeout: ALL_WITHIN_MS,
    }, async () => {
      // Less load than a measurement has: it shares the machine with everything else that is tested.
      const load = ['--writes', '30', '--reads', '60'];
      await lab.run(
        ['drill', '--fault', 'all', '--trials', '1', ...load, '--record', record],
        {},
        ALL_WITHIN_MS,
      );
      const trials = await recorded();
      // In the message as well, which is not cut short where only the ends of a log are kept.
      const failed = trials
        .filter(({ problems }) => problems.length > 0)
        .map(
          ({ fault, problems, answers }) => `${fault}: ${problems.join('; ')} (${JSON.stringify(answers)})`,
        );
      expect(failed, failed.join(' | ')).toEqual([]);
      expect(trials.map(({ fault }) => fault)).toEqual(NATIVE);
    });

    it('goes on with a record, and does only what it lacks', async () => {
      const before = await recorded();
      const more = ['drill', '--fault', 'kill-replica', '--trials', '1', '--record', record];
      expect((await lab.run(more)).code).toBe(1);
      const { stdout } = await lab.run([...more, '--resume', '--json']);
      expect(await recorded()).toEqual(before);
      expect(JSON.parse(stdout)).toMatchObject({
        ...{ engine, fault: 'kill-replica', trials: [{ fault: 'kill-replica' }] },
        percentiles: { writeOutageMs: { trials: 1 } },
      });
    });
  });
}
