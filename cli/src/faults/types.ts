import type { LabRuntime, PartName } from '../runtime.ts';

export interface FaultSettings {
  /** `lag`: whole seconds. */
  readonly seconds?: number;
}

/** What can be seen of a fault in the system itself, never what was wished for. */
export interface Effect {
  readonly inForce: boolean;
  /** In words: `db-2 runs no process`. */
  readonly text: string;
}

/**
 * One fault: a file in this folder, listed in index.ts. `apply` and `heal` are idempotent, and `heal` also mends what a
 * half-done `apply` left. Neither decides when: the healer does.
 */
export interface Fault {
  readonly name: string;
  /** One line for --help: what it does and what it stands for. */
  readonly description: string;
  /** Null when the fault suits this part, else why it does not. */
  unsuitable(part: PartName): string | null;
  apply(lab: LabRuntime, part: PartName, settings: FaultSettings, signal: AbortSignal): Promise<void>;
  heal(lab: LabRuntime, part: PartName, signal: AbortSignal): Promise<void>;
  /** Reads the effective state back. */
  verify(lab: LabRuntime, part: PartName): Promise<Effect>;
}
