import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Three kinds of tests, by file name:
//   *.test.ts              unit: no server, no network, milliseconds
//   *.integration.test.ts  starts the real servers it needs and stops them
//   *.acceptance.test.ts   brings a whole lab up (docker or native)
// Only unit tests run side by side: the others would fight for addresses. `./lab test` runs the integration tests in two
// lanes, each in a network namespace of its own (cli/src/test-run/lanes.ts).
const include = (kind: string) =>
  ['packages', 'services', 'cli', 'load-tests'].map((d) => `${d}/**/test/**/*.${kind}.ts`);

/** Shards of about equal length: files that lie beside each other take about as long, so they are dealt in turn. */
class DealtShards extends BaseSequencer {
  override async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { shard } = this.ctx.config;
    if (!shard) return files;
    const byName = files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
    return byName.filter((_, i) => i % shard.count === shard.index - 1);
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: DealtShards },
    projects: [
      {
        test: {
          name: 'unit',
          // Milliseconds each; the limit is for machines that are busy with something else.
          testTimeout: 30_000,
          include: include('test'),
          exclude: ['**/node_modules/**', ...include('integration.test'), ...include('acceptance.test')],
        },
      },
      {
        test: {
          name: 'integration',
          include: include('integration.test'),
          exclude: ['**/node_modules/**'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'acceptance',
          include: include('acceptance.test'),
          exclude: ['**/node_modules/**'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
