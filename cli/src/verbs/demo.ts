import { bringUp } from '../bring-up.ts';
import type { UpRequest } from '../runtime.ts';
import { defineVerb, exitCode } from '../verb.ts';
import { compareLab, printResult } from './compare.ts';
import { engineOption, runtimeOption } from './options.ts';

export const demo = defineVerb<Pick<UpRequest, 'engine' | 'runtime'>>({
  name: 'demo',
  summary: 'bring the lab up, measure it for two minutes, print before and after',
  details:
    'The first command to type. Installs what is missing (said before it happens), brings up three API replicas behind\n' +
    'HAProxy with a primary and two replicas, runs `compare --quick`, and leaves the lab up and replicated.',
  options: [engineOption(), runtimeOption()],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { out, options } = context;
    const wanted = { engine: options.engine, runtime: options.runtime, topology: 'replicated' } as const;
    const lab = await bringUp(wanted, context);
    const result = await compareLab(lab, { quick: true }, context);
    const { urls } = await bringUp({ ...wanted, engine: lab.engine, runtime: lab.runtime }, context);
    printResult(result, context);
    if (context.json) out.json({ summary: result.summary, reportFile: result.reportFile, urls });
    out.line();
    out.line('The lab is up, replicated, without a cap:');
    for (const [name, url] of Object.entries(urls)) out.line(`  ${name.padEnd(13)}${url}`);
    out.line(
      'Next: ./lab status, then ./lab fault kill db-2 --for 20s and watch it heal. ./lab down ends it.',
    );
    return exitCode.done;
  },
});
