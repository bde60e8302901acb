import { defineConfig } from 'vitest/config';

// Three kinds of tests, by file name:
//   *.test.ts              unit: no server, no network, milliseconds
//   *.integration.test.ts  starts the real servers it needs and stops them
//   *.acceptance.test.ts   brings a whole lab up (docker or native)
// Only unit tests run side by side: the others would fight for two cores and each other's timings.
const include = (kind: string) =>
  ['packages', 'services', 'cli', 'load-tests'].map((d) => `${d}/**/test/**/*.${kind}.ts`);

export default defineConfig({
  test: {
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
