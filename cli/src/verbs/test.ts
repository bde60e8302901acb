import { Option } from 'commander';
import { findProgram } from '../native/packages.ts';
import { countLine } from '../test-run/counts.ts';
import { KINDS, type Kind, runChecks, runTests } from '../test-run/run.ts';
import { defineVerb, exitCode } from '../verb.ts';

interface TestOptions {
  readonly only?: Kind;
  readonly prepare?: boolean;
  readonly printK6?: boolean;
}

export const test = defineVerb<TestOptions>({
  name: 'test',
  summary: 'install what the tests need, and run them all',
  details:
    'Style, types, Dockerfiles, known weaknesses of packages; then unit, integration (real servers) and acceptance tests (whole labs). The last line counts them.\n' +
    'Suites that cannot run here (no Docker engine, no images) say NOT RUN and why; the rest runs.',
  options: [
    new Option('--only <kind>', 'one kind of tests').choices(KINDS),
    new Option('--prepare', 'only install what the tests need'),
    new Option('--print-k6', 'only print the path of the k6 they use'),
  ],
  mayAsk: true,
  async run(context) {
    const { only, prepare, printK6 } = context.options;
    if (printK6) {
      const { ensureK6 } = await import('@replication-lab/load-tests');
      const file = await ensureK6({ progress: context.progress, signal: context.signal });
      // `k6` alone means the one on PATH.
      context.out.line((await findProgram(file)) ?? file);
      return exitCode.done;
    }
    if (only !== 'unit') {
      const { prepareForTests } = await import('../test-run/prepare.ts');
      await prepareForTests(context);
    }
    if (prepare) return exitCode.done;
    const checks = only ? { failed: [], notRun: [] } : await runChecks(context);
    const { counts, notRun, failures } = await runTests(only ? [only] : KINDS, context);
    for (const file of notRun) context.out.warn(`NOT RUN: ${file} (its own output says why)`);
    for (const check of checks.notRun) context.out.warn(`NOT RUN: ${check}`);
    for (const failure of failures) context.out.error(`FAILED: ${failure}`);
    for (const check of checks.failed) context.out.error(`check failed: ${check}`);
    context.out.line(countLine(counts));
    return counts.failed > 0 || checks.failed.length > 0 ? exitCode.failed : exitCode.done;
  },
});
