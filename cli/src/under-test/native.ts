import { seedUsers } from '@replication-lab/engines/bootstrap';
import type { CapResult, LabUnderTest, Usage } from '@replication-lab/load-tests';
import { ensureK6 } from '@replication-lab/load-tests';
import { type NativeLab, openNativeLab } from '../native/lab.ts';
import { urlsOf } from '../native/layout.ts';
import { SERVICES } from '../native/services.ts';
import { writeState } from '../state.ts';
import { SEED, SharedLab } from './shared.ts';

/** The native lab as the measurements see it. */
export async function nativeUnderTest(stateDir: string): Promise<LabUnderTest> {
  const shared = new SharedLab(stateDir);
  const state = await shared.state();
  const first = await openNativeLab(stateDir, state);
  const binary = await first.databases.engine.server.find();
  const open = async () => openNativeLab(stateDir, await shared.state());
  const capDatabases = async (cpus: number | null): Promise<CapResult> => {
    await writeState(stateDir, { ...(await shared.state()), capCpus: cpus });
    return capAll(await open(), cpus);
  };
  return {
    engine: state.engine,
    engineVersion: binary?.version ?? 'unknown',
    runtime: 'native',
    baseUrl: urlsOf(first.plan).api,
    useArm: (arm, signal) => shared.useArm(arm, signal),
    capDatabases,
    usage: async () => usageOf(await open()),
    forceLag: (seconds, signal, nodes) => shared.forceLag(seconds, signal, nodes),
    async seed(count, signal) {
      const { capCpus } = await shared.state();
      const lab = await open();
      if (capCpus !== null) await capAll(lab, null);
      try {
        await seedAt(lab, await shared.primary(), count, signal);
        await shared.caughtUp(signal);
      } finally {
        if (capCpus !== null) await capAll(lab, capCpus);
      }
    },
    async k6(script, outDir, env) {
      const { api } = urlsOf((await open()).plan);
      const file = await ensureK6();
      return { file, args: ['run', script], env: { BASE_URL: api, OUT_DIR: outDir, ...env }, outDir };
    },
  };
}

async function capAll({ plan, cgroups }: NativeLab, cpus: number | null): Promise<CapResult> {
  for (const { name } of plan.endpoints) {
    const result = await cgroups.cap(name, cpus);
    if (!result.applied) return result;
  }
  return { applied: true, reason: null };
}

async function usageOf({ plan, databases, services, cgroups }: NativeLab): Promise<Record<string, Usage>> {
  const nodes = plan.endpoints.map(async ({ name }) => [name, await databases.process(name)] as const);
  const others = SERVICES.map(async (name) => [name, await services.process(name)] as const);
  const usage: Record<string, Usage> = {};
  for (const [name, identity] of await Promise.all([...nodes, ...others])) {
    if (identity) usage[name] = await cgroups.usage(name, identity.pid);
  }
  return usage;
}

async function seedAt({ plan, databases }: NativeLab, primary: string, count: number, signal: AbortSignal) {
  const endpoint = plan.endpoints.find(({ name }) => name === primary)!;
  const { client } = databases.engine;
  await using connection = await client.connect(endpoint, plan.accounts.admin, { database: plan.database });
  await seedUsers(plan.engine, connection, { count, seed: SEED }, () => {}, signal);
}
