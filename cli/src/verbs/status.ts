import { dockerLabWithoutState } from '../docker/discover.ts';
import { LabError } from '../errors.ts';
import { listRecords } from '../faults/records.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import { readState } from '../state.ts';
import { judge } from '../status/judge.ts';
import { renderStatus } from '../status/render.ts';
import { defineVerb, exitCode } from '../verb.ts';

export const status = defineVerb({
  name: 'status',
  summary: 'nodes, roles, positions, lag, API replicas, who holds the VIP',
  details:
    'Asks every part itself, with a deadline: a dead or frozen one is shown as that within about a second.',
  printsData: true,
  async run({ out, json }) {
    const stateDir = stateDirectory();
    const state = (await readState(stateDir)) ?? (await dockerLabWithoutState());
    if (!state) throw new LabError('not-up', 'no lab is up', './lab up');
    const seen = await openRuntime(stateDir, state).observe();
    const faults = (await listRecords(stateDir)).map((record) => ({
      name: record.fault,
      node: record.part,
      healsInMs: Math.max(0, record.healAtMs - Date.now()),
    }));
    const result = judge({ ...seen, faults });
    if (json) {
      out.json(result);
      return exitCode.done;
    }
    if (state.phase === 'starting') out.warn('the last ./lab up did not finish: ./lab up once more');
    out.line(renderStatus(result));
    return exitCode.done;
  },
});
