import type { LabUnderTest } from '@replication-lab/load-tests';
import { requireState } from '../state.ts';
import { dockerUnderTest } from './docker.ts';
import { nativeUnderTest } from './native.ts';

/** The lab that is up, as the measurements see it. LabError `not-up`. */
export async function labUnderTest(stateDir: string): Promise<LabUnderTest> {
  const { runtime } = await requireState(stateDir);
  return runtime === 'docker' ? dockerUnderTest(stateDir) : nativeUnderTest(stateDir);
}
