import { type FaultRecord, faultId, removeRecord, writeRecord } from '../faults/records.ts';
import type { Cut, LabRuntime, PartName } from '../runtime.ts';

/** What `./lab heal` would find after a drill that was killed itself: a fault without a healer of its own. */
const NEVER_BY_ITSELF_MS = 365 * 24 * 3_600_000;

type Breakage = 'kill' | 'freeze' | 'lag' | 'partition';

/**
 * The parts that a trial has broken, and how they are mended. Each is written down before it is broken, so that `./lab heal`
 * mends it when the drill itself is killed.
 */
export class BrokenParts {
  readonly #lab: LabRuntime;
  readonly #stateDir: string;
  readonly #how = new Map<PartName, Breakage>();
  readonly #starting = new Map<PartName, Promise<void>>();

  constructor(lab: LabRuntime, stateDir: string) {
    this.#lab = lab;
    this.#stateDir = stateDir;
  }

  async kill(part: PartName): Promise<void> {
    await this.#note('kill', part);
    await this.#lab.kill(part);
  }

  async freeze(part: PartName): Promise<void> {
    await this.#note('freeze', part);
    await this.#lab.freeze(part);
  }

  /** Tells it to end, in the polite way, and does not wait until it has. */
  async terminate(part: PartName): Promise<void> {
    await this.#note('kill', part);
    await this.#lab.terminate(part);
  }

  async lag(part: PartName, seconds: number): Promise<void> {
    if (seconds > 0) await this.#note('lag', part);
    await this.#lab.setApplyDelay(part, seconds);
    if (seconds === 0) await this.#forget(part);
  }

  async cut(part: PartName, cut: Cut): Promise<void> {
    await this.#note('partition', part);
    await this.#lab.cutOff(part, cut);
  }

  async reconnect(part: PartName): Promise<void> {
    await this.#lab.reconnect(part);
    await this.#forget(part);
  }

  async thaw(part: PartName): Promise<void> {
    await this.#lab.thaw(part);
    await this.#forget(part);
  }

  /** Begins to start it again; `healAll` waits for it, and throws what came of it. */
  start(part: PartName, signal: AbortSignal): void {
    const starting = this.#lab.revive(part, signal).then(() => this.#forget(part));
    // Looked at in healAll.
    starting.catch(() => {});
    this.#starting.set(part, starting);
  }

  /** Everything runs again afterwards, as far as it can be told; throws the first error after all were tried. */
  async healAll(signal: AbortSignal): Promise<void> {
    for (const [part, how] of this.#how) {
      if (how === 'freeze') await this.thaw(part);
      else if (how === 'partition') await this.reconnect(part);
      else if (how === 'kill' && !this.#starting.has(part)) this.start(part, signal);
    }
    const ended = await Promise.allSettled(this.#starting.values());
    this.#starting.clear();
    // A delay can be taken only from a node that runs.
    for (const [part, how] of this.#how) if (how === 'lag') await this.lag(part, 0);
    const failed = ended.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #note(fault: Breakage, part: PartName): Promise<void> {
    const now = Date.now();
    const record: FaultRecord = {
      ...{ id: faultId(fault, part), fault, part, settings: {}, healer: null, lastError: null },
      ...{ appliedAtMs: now, healAtMs: now + NEVER_BY_ITSELF_MS },
    };
    await writeRecord(this.#stateDir, record);
    this.#how.set(part, fault);
    this.#starting.delete(part);
  }

  async #forget(part: PartName): Promise<void> {
    const how = this.#how.get(part);
    this.#how.delete(part);
    if (how) await removeRecord(this.#stateDir, faultId(how, part));
  }
}
