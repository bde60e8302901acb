import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, messageOf } from '../errors.ts';
import { withLock } from '../lock.ts';
import { launch } from '../native/launch.ts';
import { repositoryRoot } from '../paths.ts';
import { identify, isAlive, signalProcess } from '../processes.ts';
import type { LabRuntime, PartName } from '../runtime.ts';
import { waitFor } from '../wait.ts';
import { faultNamed } from './index.ts';
import {
  type FaultRecord,
  faultId,
  faultsDirectory,
  listRecords,
  readRecord,
  removeRecord,
  writeRecord,
} from './records.ts';
import type { Effect, Fault, FaultSettings } from './types.ts';

/** How long a fault may take to apply and then to show, and how long a heal: a crashed database recovers first. */
const APPLIES_WITHIN_MS = 60_000;
const SHOWS_WITHIN_MS = 5000;
const HEALS_WITHIN_MS = 60_000;
const LOCK_WAIT_MS = 120_000;

export interface Application {
  readonly fault: Fault;
  readonly part: PartName;
  readonly settings: FaultSettings;
  readonly forMs: number;
}

/**
 * Applies a fault and returns once its effect was read back. Its healer runs before the fault does, so that it heals
 * even when this command is killed in between. Throws LabError after undoing what was half done.
 */
export async function applyFault(
  stateDir: string,
  lab: LabRuntime,
  wanted: Application,
  signal: AbortSignal,
): Promise<{ record: FaultRecord; effect: Effect }> {
  const { fault, part, settings } = wanted;
  const id = faultId(fault.name, part);
  const healer = (await readRecord(stateDir, id))?.healer ?? null;
  const appliedAtMs = Date.now();
  let record: FaultRecord = {
    ...{ id, fault: fault.name, part, settings, healer, lastError: null },
    // Until its effect shows, it has this long: its own time begins only then.
    ...{ appliedAtMs, healAtMs: appliedAtMs + APPLIES_WITHIN_MS + wanted.forMs },
  };
  const save = () => writeRecord(stateDir, record);
  await save();
  try {
    if (!healer || !isAlive(healer)) record = { ...record, healer: await startHealer(stateDir, id) };
    await save();
    await fault.apply(lab, part, settings, signal);
    const effect = await expectEffect(fault, lab, part, signal);
    const nowMs = Date.now();
    record = { ...record, appliedAtMs: nowMs, healAtMs: nowMs + wanted.forMs };
    await save();
    return { record, effect };
  } catch (error) {
    await healFault(stateDir, lab, id);
    throw error;
  }
}

async function startHealer(stateDir: string, id: string) {
  return launch('the healer', {
    file: process.execPath,
    args: [join(import.meta.dirname, 'healer.ts'), stateDir, id],
    env: process.env,
    cwd: repositoryRoot,
    logFile: join(faultsDirectory(stateDir), `${id}.log`),
  });
}

function expectEffect(fault: Fault, lab: LabRuntime, part: PartName, signal: AbortSignal): Promise<Effect> {
  return waitFor(
    async () => {
      const effect = await fault.verify(lab, part);
      return effect.inForce ? effect : null;
    },
    {
      what: `${fault.name} to show on ${part}`,
      timeoutMs: SHOWS_WITHIN_MS,
      code: 'fault-not-in-force',
      signal,
      mend: () => './lab status shows the state; the fault was undone',
    },
  );
}

/**
 * Heals one recorded fault and verifies it; nothing to do when somebody else already has. Does not stop for Ctrl-C: it
 * is what Ctrl-C does. Throws when it cannot, and then the record stays, with the reason.
 */
export async function healFault(stateDir: string, lab: LabRuntime, id: string): Promise<Effect | null> {
  const lock = { name: 'lab', purpose: `healing ${id}`, waitMs: LOCK_WAIT_MS };
  return withLock(stateDir, lock, async () => {
    const record = await readRecord(stateDir, id);
    const fault = record && faultNamed(record.fault);
    if (!record || !fault) return null;
    try {
      const effect = await undo(fault, lab, record.part);
      await forget(stateDir, record);
      return effect;
    } catch (error) {
      await writeRecord(stateDir, { ...record, lastError: messageOf(error) });
      throw error;
    }
  });
}

async function undo(fault: Fault, lab: LabRuntime, part: PartName): Promise<Effect> {
  const signal = AbortSignal.timeout(HEALS_WITHIN_MS);
  await fault.heal(lab, part, signal);
  const effect = await fault.verify(lab, part);
  if (!effect.inForce) return effect;
  const mend = './lab heal once more; if it stays, ./lab down and ./lab up';
  throw new LabError('fault-not-healed', `healing ${fault.name} did not help: ${effect.text}`, mend);
}

async function forget(stateDir: string, record: FaultRecord): Promise<void> {
  await removeRecord(stateDir, record.id);
  await rm(join(faultsDirectory(stateDir), `${record.id}.log`), { force: true });
  const { healer } = record;
  if (healer && healer.pid !== identify(process.pid)?.pid) signalProcess(healer, 'SIGTERM');
}

export interface HealOutcome {
  readonly record: FaultRecord;
  readonly effect: Effect | null;
  readonly error: unknown;
}

/** Heals everything recorded, the worst first: a delay cannot be taken from a node that is dead or frozen. */
export async function healAll(
  stateDir: string,
  lab: LabRuntime,
  only: PartName | null,
  progress: (message: string) => void,
): Promise<HealOutcome[]> {
  const order = ['partition', 'freeze', 'kill', 'lag'];
  const rank = (record: FaultRecord) => order.indexOf(record.fault);
  const records = (await listRecords(stateDir)).filter((record) => only === null || record.part === only);
  const outcomes: HealOutcome[] = [];
  for (const record of records.sort((a, b) => rank(a) - rank(b))) {
    progress(`healing ${record.fault} on ${record.part}`);
    const [effect, error] = await healFault(stateDir, lab, record.id).then(
      (value) => [value, null] as const,
      (reason: unknown) => [null, reason] as const,
    );
    outcomes.push({ record, effect, error });
  }
  return outcomes;
}

/** For `down`: ends the healers and forgets the faults, healing nothing. */
export async function dropFaults(stateDir: string): Promise<void> {
  for (const record of await listRecords(stateDir)) await forget(stateDir, record);
  await rm(faultsDirectory(stateDir), { recursive: true, force: true });
}
