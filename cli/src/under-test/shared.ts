import type { Arm } from '@replication-lab/load-tests';
import { bringUp } from '../bring-up.ts';
import { LabError } from '../errors.ts';
import { openRuntime } from '../open-runtime.ts';
import { createOutput } from '../output.ts';
import type { LabContext, LabRuntime } from '../runtime.ts';
import { type LabState, requireState } from '../state.ts';
import { waitUntilCaughtUp } from './caught-up.ts';

const CATCH_UP_MS = 300_000;

/** Seeded names come from this number: the same users in every lab. */
export const SEED = 1;

/** What both runtimes do in the same way for the measurements. */
export class SharedLab {
  readonly stateDir: string;
  constructor(stateDir: string) {
    this.stateDir = stateDir;
  }

  /** Read afresh each time: `useArm` changes it. */
  state(): Promise<LabState> {
    return requireState(this.stateDir);
  }

  async runtime(): Promise<LabRuntime> {
    return openRuntime(this.stateDir, await this.state());
  }

  async useArm(arm: Arm, signal: AbortSignal): Promise<void> {
    const { engine, runtime, durability } = await this.state();
    await bringUp({ engine, runtime, durability, topology: arm }, quietContext(signal));
    await this.caughtUp(signal);
    const primary = await this.primary();
    if (primary === 'db-1') return;
    const mend = './lab down --volumes, then ./lab up';
    throw new LabError('wrong-primary', `measurements need db-1 as the primary, it is ${primary}`, mend);
  }

  /** Its name; LabError `no-primary`. */
  async primary(): Promise<string> {
    const { nodes } = await (await this.runtime()).observe();
    const primary = nodes.find(({ answer }) => answer?.role === 'primary' && !answer.readOnly);
    if (primary) return primary.name;
    throw new LabError('no-primary', 'no node is the writable primary', './lab heal');
  }

  async caughtUp(signal: AbortSignal): Promise<void> {
    await waitUntilCaughtUp(await this.runtime(), CATCH_UP_MS, signal);
  }

  /** Replicas that run now, or those of them that are named. */
  async replicas(only?: readonly string[]): Promise<string[]> {
    const { nodes } = await (await this.runtime()).observe();
    const names = nodes.filter(({ answer }) => answer?.role === 'replica').map(({ name }) => name);
    return only ? names.filter((name) => only.includes(name)) : names;
  }

  async forceLag(seconds: number, signal: AbortSignal, nodes?: readonly string[]): Promise<AsyncDisposable> {
    const lab = await this.runtime();
    const delayed = await this.replicas(nodes);
    const set = (value: number) => Promise.all(delayed.map((name) => lab.setApplyDelay(name, value)));
    const end = async () => {
      await set(0);
      await this.caughtUp(AbortSignal.timeout(CATCH_UP_MS));
    };
    try {
      signal.throwIfAborted();
      await set(seconds);
    } catch (error) {
      await end().catch(() => {});
      throw error;
    }
    return { [Symbol.asyncDispose]: end };
  }
}

/** The measurements say themselves what goes on; nobody is asked anything in the middle of them. */
function quietContext(signal: AbortSignal): LabContext {
  const { stdout, stderr } = process;
  return {
    out: createOutput({ stdout, stderr }, { json: true }),
    progress: () => {},
    signal,
    interactive: false,
    yes: true,
  };
}
