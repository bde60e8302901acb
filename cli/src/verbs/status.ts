import { Option } from 'commander';
import { dockerLabWithoutState } from '../docker/discover.ts';
import { LabError } from '../errors.ts';
import { listRecords } from '../faults/records.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import { readState } from '../state.ts';
import { askStatements } from '../status/ask-statements.ts';
import { judge } from '../status/judge.ts';
import { renderStatus } from '../status/render.ts';
import { renderStatements } from '../status/render-statements.ts';
import { defineVerb, exitCode } from '../verb.ts';

export const status = defineVerb<{ verbose?: boolean }>({
  name: 'status',
  summary: 'nodes, roles, positions, lag, API replicas, who holds the VIP',
  details:
    'Asks every part itself, with a deadline: a dead or frozen one is shown as that within about a second.\n' +
    "--verbose also puts the engine's own statements to each database (who follows whom, how far, who is connected), and\n" +
    'names what books call them.',
  printsData: true,
  options: [new Option('--verbose', "the engine's own statements, and what each database answers")],
  async run({ out, json, options }) {
    const stateDir = stateDirectory();
    const state = (await readState(stateDir)) ?? (await dockerLabWithoutState());
    if (!state) throw new LabError('not-up', 'no lab is up', './lab up');
    const lab = openRuntime(stateDir, state);
    const [seen, statements] = await Promise.all([
      lab.observe(),
      options.verbose ? askStatements(lab) : null,
    ]);
    const faults = (await listRecords(stateDir)).map((record) => ({
      name: record.fault,
      node: record.part,
      healsInMs: Math.max(0, record.healAtMs - Date.now()),
    }));
    const result = judge({ ...seen, faults });
    if (json) {
      out.json(statements ? { ...result, statements } : result);
      return exitCode.done;
    }
    if (state.phase === 'starting') out.warn('the last ./lab up did not finish: ./lab up once more');
    out.line(renderStatus(result));
    if (statements) out.line(`\n${renderStatements(result, statements)}`);
    return exitCode.done;
  },
});
