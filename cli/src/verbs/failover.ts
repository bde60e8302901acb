import { Option } from 'commander';
import { LabError } from '../errors.ts';
import { openForNode } from '../open-for-node.ts';
import { overrideResult, whatMayBeLost } from '../status/override.ts';
import { defineVerb, exitCode } from '../verb.ts';

/** A supervisor answers within 15 s. */
const ANSWER_MS = 20_000;
const ASK_MS = 3_000;

export const failover = defineVerb<{ to?: string; allowDataLoss?: boolean }>({
  name: 'failover',
  summary:
    'two of three nodes are gone for good: go on with the one that is left, and lose what only they hold',
  details:
    'Supervisors fail over by themselves where nothing can be lost. This is for the case that they refuse, because two nodes\n' +
    'are away. Without --allow-data-loss it says what may be lost, and does nothing. It is refused while another node answers.\n' +
    'The node stays closed to writes until a second one is back, made anew. Read docs/guides/failover.md first.\n' +
    'Example: ./lab failover --to db-3 --allow-data-loss',
  options: [
    new Option('--to <node>', 'the node that is left: db-1 … db-3').makeOptionMandatory(),
    new Option('--allow-data-loss', 'give up what only the other nodes hold; it cannot be undone'),
  ],
  printsData: true,
  async run({ options, out, json, progress }) {
    const to = options.to!;
    const lab = await openForNode(to);
    progress('asking every supervisor what may be lost');
    const ask = (allowDataLoss: boolean, timeoutMs: number) =>
      lab.orderSupervisors('/failover', { to, allowDataLoss }, timeoutMs);
    const known = whatMayBeLost(await ask(false, ASK_MS));
    if (!options.allowDataLoss)
      throw new LabError(
        'data-may-be-lost',
        `nothing was done. ${known.join('\n')}`,
        `bring another node back (./lab heal), and nothing is lost; or ./lab failover --to ${to} --allow-data-loss`,
      );
    const { epoch, givenUp, loss, by } = overrideResult(await ask(true, ANSWER_MS));
    if (json) out.json({ to, epoch, givenUp, loss, by });
    else {
      out.line(`${to} begins epoch ${epoch}, by your order (${by}). DATA MAY BE LOST: ${loss}`);
      out.line(
        `It takes writes when one of ${givenUp.join(', ')} is back, made anew: ./lab heal, ./lab status.`,
      );
    }
    return exitCode.done;
  },
});
