import { NODE_NAMES } from '@replication-lab/engines/config';
import type { CapResult } from '@replication-lab/load-tests';
import { messageOf } from '../errors.ts';
import type { LabState } from '../state.ts';
import { composeEnvironment, docker } from './compose.ts';
import { listContainers, serviceOf } from './containers.ts';

/** As in docker-compose.yml: with Docker's 100 ms a capped database would freeze for tenths of a second. */
const PERIOD_US = 10_000;

/** The same cap for every database container, read back; null lifts it. */
export async function capContainers(state: LabState, cpus: number | null): Promise<CapResult> {
  const quota = cpus === null ? -1 : Math.max(1000, Math.round(cpus * PERIOD_US));
  const services = NODE_NAMES.map((name) => serviceOf(state.engine, name));
  const containers = await listContainers(composeEnvironment(state));
  const ids = containers.filter(({ Service }) => services.includes(Service)).map(({ ID }) => ID);
  try {
    await docker(['update', '--cpu-period', String(PERIOD_US), '--cpu-quota', String(quota), ...ids]);
    const effective = await docker(['inspect', '--format', '{{.HostConfig.CpuQuota}}', ...ids]);
    const wrong = effective
      .trim()
      .split('\n')
      .find((text) => Math.max(Number(text), -1) !== quota);
    if (wrong === undefined || (quota === -1 && Number(wrong) <= 0)) return { applied: true, reason: null };
    return { applied: false, reason: `asked for a quota of ${quota} µs, Docker says ${wrong}` };
  } catch (error) {
    return { applied: false, reason: `Docker refused the cap (${messageOf(error)})` };
  }
}
