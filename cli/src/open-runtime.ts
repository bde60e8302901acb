import { DockerRuntime } from './docker/runtime.ts';
import { NativeRuntime } from './native/runtime.ts';
import type { LabRuntime } from './runtime.ts';
import type { LabState } from './state.ts';

/** The lab that state.json speaks of, ready to be looked at and broken. */
export function openRuntime(stateDir: string, state: LabState): LabRuntime {
  return state.runtime === 'docker' ? new DockerRuntime(state) : new NativeRuntime(stateDir, state);
}
