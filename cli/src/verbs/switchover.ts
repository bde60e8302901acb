import { Option } from 'commander';
import { LabError } from '../errors.ts';
import { openForNode } from '../open-for-node.ts';
import { mendOf, switchoverResult } from '../status/switchover.ts';
import { defineVerb, exitCode } from '../verb.ts';

/** A supervisor answers within 30 s. */
const ANSWER_MS = 35_000;

export const switchover = defineVerb<{ to?: string }>({
  name: 'switchover',
  summary: 'make another node the primary, on purpose: no write fails, none is lost',
  details:
    'The old primary is closed to writes for some tenths of a second; the API lets writes wait for the new one. Nothing is\n' +
    'changed when a replica is away or behind, and it is undone when the new primary cannot take over in time. The old\n' +
    'primary becomes a replica. Example: ./lab switchover --to db-2',
  options: [new Option('--to <node>', 'the next primary: db-1 … db-3').makeOptionMandatory()],
  printsData: true,
  async run({ options, out, json, progress }) {
    const to = options.to!;
    const lab = await openForNode(to);
    progress(`asking the supervisors for ${to} as the primary`);
    const answers = await lab.orderSupervisors('/switchover', { to }, ANSWER_MS);
    if (Object.keys(answers).length === 0)
      throw new LabError(
        'no-supervisors',
        'no supervisor watches this lab, so nobody can change the primary without loss',
        './lab up --topology replicated --durability quorum',
      );
    const result = switchoverResult(answers);
    if (!result.ok) {
      const what = `${to} did not become the primary: ${result.detail}`;
      throw new LabError(result.code, what, mendOf(result.code));
    }
    const { from, epoch, by } = result;
    const closedMs = Math.round(result.closedMs);
    if (json) out.json({ from, to, epoch, closedMs, by });
    else {
      out.line(`${to} is the primary in place of ${from}, epoch ${epoch}.`);
      out.line(`${from} was closed to writes for ${closedMs} ms before that (seen by ${by}).`);
    }
    return exitCode.done;
  },
});
