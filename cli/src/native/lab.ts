import { basename } from 'node:path';
import { caFile } from '@replication-lab/certificates';
import { believe } from '../http.ts';
import { type LabCgroups as Cgroups, findCgroups, LabCgroups } from './cgroup.ts';
import { Databases } from './databases.ts';
import { type NativePlan, planNative } from './layout.ts';
import { Services } from './services.ts';

/** The pieces of one native lab, put together. */
export interface NativeLab {
  readonly plan: NativePlan;
  readonly cgroups: Cgroups;
  readonly databases: Databases;
  readonly services: Services;
}

export async function openNativeLab(
  stateDir: string,
  wanted: Parameters<typeof planNative>[1],
): Promise<NativeLab> {
  const plan = planNative(stateDir, wanted);
  if (plan.https.length > 0) believe(caFile(plan.certificates!));
  const cgroups = new LabCgroups(await findCgroups(), basename(stateDir));
  const databases = await Databases.open(plan, cgroups);
  return { plan, cgroups, databases, services: new Services(plan, cgroups) };
}
