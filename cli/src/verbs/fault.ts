import { Argument, Option } from 'commander';
import { formatDurationMs } from '../duration.ts';
import { LabError } from '../errors.ts';
import { applyFault, healFault } from '../faults/control.ts';
import { faultNamed, faults } from '../faults/index.ts';
import { DEFAULT_LAG_SECONDS } from '../faults/lag.ts';
import { type FaultRecord, readRecord } from '../faults/records.ts';
import type { Fault } from '../faults/types.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import type { LabRuntime } from '../runtime.ts';
import { requireState } from '../state.ts';
import { defineVerb, type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { pause } from '../wait.ts';
import { parseDuration, parseWholeSeconds } from './options.ts';

interface FaultOptions {
  readonly for: number;
  readonly by?: number;
  readonly background?: boolean;
}

/** After its time the healer gets this long before this command heals in its place. */
const HEALER_GRACE_MS = 90_000;

export const fault = defineVerb<FaultOptions>({
  name: 'fault',
  summary: 'break a part on purpose; it heals itself',
  details: [
    ...faults.map((f) => `  ${f.name.padEnd(8)}${f.description}`),
    '',
    'Shows the fault as read back from the system, a countdown and the heal. Ctrl-C heals at once; a healer of its own',
    'heals at the time even when this command is killed. Example: ./lab fault kill db-2 --for 20s',
  ].join('\n'),
  arguments: [
    new Argument('<name>', 'which fault').choices(faults.map((f) => f.name)),
    new Argument('<node>', 'db-1 … db-3, api-1 … api-3, haproxy, supervisor-1, supervisor-2'),
  ],
  options: [
    new Option('--for <time>', 'how long').default(30_000, '30s').argParser(parseDuration),
    new Option('--by <time>', `lag: how late, in whole seconds (default: ${DEFAULT_LAG_SECONDS}s)`).argParser(
      parseWholeSeconds,
    ),
    new Option('--background', 'return once it is in force'),
  ],
  async run(context) {
    const [name, part] = context.args as [string, string];
    const stateDir = stateDirectory();
    const lab = openRuntime(stateDir, await requireState(stateDir));
    const chosen = suitableFault(name, part, lab, context.options);
    const { record, effect } = await applyFault(
      stateDir,
      lab,
      { fault: chosen, part, settings: { seconds: context.options.by }, forMs: context.options.for },
      context.signal,
    );
    context.out.line(
      `${name} is in force: ${effect.text}. It heals itself in ${formatDurationMs(context.options.for)}.`,
    );
    if (context.options.background) return exitCode.done;
    return watchUntilHealed(stateDir, lab, record, context);
  },
});

function suitableFault(name: string, part: string, lab: LabRuntime, options: FaultOptions): Fault {
  const chosen = faultNamed(name)!; // commander let only known names through
  if (!lab.parts.includes(part)) {
    throw new LabError('usage', `there is no ${part} in this lab`, `one of ${lab.parts.join(', ')}`);
  }
  const why = chosen.unsuitable(part);
  if (why) throw new LabError('usage', why, './lab fault --help');
  if (options.by !== undefined && name !== 'lag') throw new LabError('usage', '--by is for lag only', null);
  return chosen;
}

async function watchUntilHealed(
  stateDir: string,
  lab: LabRuntime,
  record: FaultRecord,
  context: VerbContext<FaultOptions>,
): Promise<ExitCode> {
  const { out, signal } = context;
  const what = `${record.fault} on ${record.part}`;
  for (;;) {
    const current = await readRecord(stateDir, record.id);
    if (!current) break;
    const leftMs = current.healAtMs - Date.now();
    out.live(leftMs > 0 ? `${what}: heals in ${formatDurationMs(leftMs)} (Ctrl-C: now)` : `${what}: healing`);
    if (signal.aborted || leftMs < -HEALER_GRACE_MS) {
      out.live(`${what}: healing`);
      await healFault(stateDir, lab, record.id);
      break;
    }
    await pause(200, signal).catch(() => {});
  }
  const effect = await faultNamed(record.fault)!.verify(lab, record.part);
  out.line(`healed: ${effect.text}`);
  return exitCode.done;
}
