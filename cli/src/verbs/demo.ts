import type { CompareResult } from '@replication-lab/load-tests';
import { bringUp, labBefore, whatUpWouldBring } from '../bring-up.ts';
import { stateDirectory } from '../paths.ts';
import type { UpRequest } from '../runtime.ts';
import { defineVerb, exitCode } from '../verb.ts';
import { bringUpToMeasure, compareLab, printResult, putBack } from './compare.ts';
import { engineOption, runtimeOption } from './options.ts';

export const demo = defineVerb<Pick<UpRequest, 'engine' | 'runtime'>>({
  name: 'demo',
  summary: 'bring the lab up, measure it for two minutes, print before and after',
  details:
    'The first command to type. Installs what is missing (said before it happens), brings up three API replicas behind\n' +
    'HAProxy with a primary and two replicas, runs `compare --quick`, and leaves the lab up: replicated, and with supervisors\n' +
    'that replace a dead primary, unless DURABILITY=async says otherwise.',
  options: [engineOption(), runtimeOption()],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { out, options } = context;
    const { engine, runtime } = options;
    const wanted = await whatUpWouldBring({ engine, runtime, topology: 'replicated' });
    const before = await labBefore(stateDirectory(), context.options);
    let result: CompareResult;
    try {
      const lab = await bringUpToMeasure(wanted, before, context);
      result = await compareLab(lab, { quick: true }, context);
    } catch (error) {
      await putBack(before, context);
      throw error;
    }
    const { urls } = await bringUp(wanted, context);
    printResult(result, context);
    if (context.json) out.json({ summary: result.summary, reportFile: result.reportFile, urls });
    out.line();
    out.line(`The lab is up, replicated (${wanted.durability}), without a cap:`);
    for (const [name, url] of Object.entries(urls)) out.line(`  ${name.padEnd(13)}${url}`);
    out.line(
      'Next: ./lab status, then ./lab fault kill db-1 --for 20s and watch it heal. ./lab down ends it.',
    );
    return exitCode.done;
  },
});
