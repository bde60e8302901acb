import type { Random } from '@replication-lab/load-tests';
import { LabError } from '../errors.ts';
import type { PartName } from '../runtime.ts';
import type { LabStatus } from '../status/types.ts';
import type { Actor } from './types.ts';

/** As native labs name it; see `Scenario.runtimes`. */
const AGENT: PartName = 'agent';

/** Which part plays whom in a trial. */
export type Cast = Readonly<Record<Exclude<Actor, 'writing-node'>, PartName>>;

/** Pure but for the drawing. The lab is whole: it has a primary, two replicas and a supervisor that acts. */
export function cast(status: LabStatus, random: Random): Cast {
  const replicas = status.nodes.map(({ name }) => name).filter((name) => name !== status.primary);
  if (random() < 0.5) replicas.reverse();
  const acting = status.supervisors.find(({ phase }) => phase === 'watching');
  const standby = status.supervisors.find((supervisor) => supervisor !== acting);
  const api = status.apis[Math.floor(random() * status.apis.length)];
  const [replica, other] = replicas;
  if (!status.primary || !replica || !other || !acting || !standby || !api)
    throw new LabError(
      'not-fit',
      'a drill needs a primary, two replicas and two supervisors',
      './lab status',
    );
  return {
    primary: status.primary,
    replica,
    'other-replica': other,
    'acting-supervisor': acting.name,
    'standby-supervisor': standby.name,
    api: api.name,
    agent: AGENT,
  };
}
