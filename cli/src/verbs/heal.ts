import { Argument } from 'commander';
import { messageOf } from '../errors.ts';
import { healAll } from '../faults/control.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import { requireState } from '../state.ts';
import { defineVerb, exitCode } from '../verb.ts';

export const heal = defineVerb({
  name: 'heal',
  summary: 'undo every fault, and verify that it is undone',
  details:
    'Also starts parts that died by themselves. With DURABILITY=async it opens a primary again where none is open; else the\n' +
    'supervisors do, and bring a node that came back to the primary.',
  arguments: [new Argument('[node]', 'only the faults of this part')],
  async run({ args, out, progress, signal }) {
    const stateDir = stateDirectory();
    const lab = openRuntime(stateDir, await requireState(stateDir));
    const only = args[0] ?? null;
    const outcomes = await healAll(stateDir, lab, only, progress);
    for (const { record, effect, error } of outcomes) {
      if (error) out.error(`${record.fault} on ${record.part} is not healed: ${messageOf(error)}`);
      else out.line(`${record.fault} on ${record.part} healed${effect ? `: ${effect.text}` : ''}`);
    }
    if (outcomes.some(({ error }) => error)) return exitCode.failed;
    const revived = await reviveDead(lab, only, progress, signal);
    if (outcomes.length === 0 && revived === 0) out.line('Nothing to heal.');
    return exitCode.done;
  },
});

async function reviveDead(
  lab: ReturnType<typeof openRuntime>,
  only: string | null,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<number> {
  let revived = 0;
  for (const part of lab.parts.filter((name) => only === null || name === only)) {
    if ((await lab.condition(part)) !== 'down') continue;
    progress(`${part} is down without a fault: starting it`);
    await lab.revive(part, signal);
    revived++;
  }
  await lab.bootstrap(progress, signal);
  return revived;
}
