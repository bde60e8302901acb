import { Option } from 'commander';
import { takeDown } from '../take-down.ts';
import { defineVerb, exitCode } from '../verb.ts';

export const down = defineVerb<{ volumes?: boolean }>({
  name: 'down',
  summary: 'end the lab: no process, no temporary file stays',
  details:
    'The data directories (docker: volumes) stay, so that the next up continues where this ended; --volumes removes them\n' +
    'too. Logs, sockets, pid files and faults go either way.',
  options: [new Option('--volumes', 'remove the data as well, of every engine')],
  async run(context) {
    const found = await takeDown({ volumes: context.options.volumes === true }, context);
    context.out.line(found ? 'Down.' : 'No lab was up; nothing left to end.');
    return exitCode.done;
  },
});
