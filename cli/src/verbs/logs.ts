import { Argument, Option } from 'commander';
import { LabError } from '../errors.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import { requireState } from '../state.ts';
import { defineVerb, exitCode } from '../verb.ts';
import { parseCount } from './options.ts';

export const logs = defineVerb<{ lines: number; follow?: boolean }>({
  name: 'logs',
  summary: 'what the processes say',
  arguments: [
    new Argument(
      '[part...]',
      'db-1 … db-3, api-1 … api-3, haproxy, supervisor-1, supervisor-2; all when none is named',
    ),
  ],
  options: [
    new Option('-n, --lines <count>', 'last lines of each part').default(20).argParser(parseCount),
    new Option('-f, --follow', 'go on with what comes, until Ctrl-C'),
  ],
  async run({ args, options, out, signal }) {
    const stateDir = stateDirectory();
    const lab = openRuntime(stateDir, await requireState(stateDir));
    const unknown = args.find((part) => !lab.parts.includes(part));
    if (unknown) throw new LabError('usage', `there is no ${unknown} here`, `one of ${lab.parts.join(', ')}`);
    const parts = args.length > 0 ? args : lab.parts;
    await lab.logs({ parts, lines: options.lines, follow: options.follow === true }, out, signal);
    return exitCode.done;
  },
});
