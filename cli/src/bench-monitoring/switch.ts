import { PROMETHEUS } from '@replication-lab/monitoring';
import { getJson } from '../http.ts';
import { openNativeLab } from '../native/lab.ts';
import { haveAllAnswered, monitorNames, monitorUrl } from '../native/monitoring.ts';
import { stateDirectory } from '../paths.ts';
import { requireState } from '../state.ts';
import { waitFor } from '../wait.ts';

const ASK_MS = 1_000;
const SCRAPED_WITHIN_MS = 30_000;

/** Starts and ends what `--with monitoring` adds to the lab that is up, and says what it uses. */
export async function openSwitch() {
  const stateDir = stateDirectory();
  const state = await requireState(stateDir);
  const { plan, services, cgroups } = await openNativeLab(stateDir, state);
  const names = monitorNames(state);
  return {
    async off(): Promise<void> {
      // Prometheus is the last of them: nobody is asked who has ended already.
      for (const name of names.toReversed()) await services.stop(name);
    },

    /** Returns when each part of the lab was asked and has answered: the start itself is no part of a measurement. */
    async on(signal: AbortSignal): Promise<void> {
      for (const name of names) await services.start(name);
      for (const name of names) await services.waitUntilReady(name, 'live', signal);
      const url = monitorUrl(plan, PROMETHEUS, '/api/v1/targets?state=active');
      await waitFor(async () => haveAllAnswered(await getJson(url, ASK_MS), plan), {
        ...{
          what: 'Prometheus to have asked every part',
          timeoutMs: SCRAPED_WITHIN_MS,
          everyMs: 200,
          signal,
        },
        ...{ code: 'not-scraped', mend: () => `./lab logs ${PROMETHEUS}` },
      });
    },

    /** By name; only what runs. */
    async usage() {
      const running = await Promise.all(
        names.map(async (name) => ({ name, identity: await services.process(name) })),
      );
      const used = running.flatMap(({ name, identity }) => (identity ? [{ name, pid: identity.pid }] : []));
      const usages = used.map(async ({ name, pid }) => [name, await cgroups.usage(name, pid)] as const);
      return Object.fromEntries(await Promise.all(usages));
    },
  };
}
