import type { Endpoint } from '@replication-lab/engines';
import { answers, getJson, postJson } from '../http.ts';
import { type ProcessIdentity, readStat } from '../processes.ts';
import type { SupervisorAnswers } from '../runtime.ts';
import { stalenessFrom } from '../status/staleness.ts';
import { supervisorSays } from '../status/supervisors.ts';
import type {
  Condition,
  LabObservation,
  NodeAnswer,
  NodeObservation,
  ServiceObservation,
  SupervisorObservation,
} from '../status/types.ts';
import { within } from '../wait.ts';
import type { Databases } from './databases.ts';
import type { NativeLab } from './lab.ts';
import {
  API_NAMES,
  apiUrl,
  catcherUrl,
  type NativePlan,
  noticesUrl,
  supervisorNames,
  supervisorToken,
  supervisorUrl,
  urlsOf,
} from './layout.ts';
import { HAPROXY, type Services } from './services.ts';

/** What runs and is slower than this is as good as not there. What is dead or frozen is known without asking. */
const PROBE_MS = 1200;

const conditionOf = (identity: ProcessIdentity | null): Condition => {
  if (!identity) return 'down';
  return readStat(identity.pid)?.state === 'T' ? 'frozen' : 'running';
};

/** Looks at every part at once. */
export async function observeNative({
  plan,
  databases,
  services,
}: NativeLab): Promise<Omit<LabObservation, 'faults' | 'capCpus'>> {
  const [nodes, apis, supervisors, haproxy, topologies] = await Promise.all([
    Promise.all(plan.endpoints.map((endpoint) => observeNode(databases, endpoint))),
    Promise.all(API_NAMES.map((name) => observeService(services, name, apiUrl(plan, name, '/readyz')))),
    Promise.all(supervisorNames(plan).map((name) => observeSupervisor(services, plan, name))),
    observeService(services, HAPROXY, `http://127.0.0.1:${plan.statsPort}/healthz`),
    Promise.all(API_NAMES.map((name) => getJson(apiUrl(plan, name, '/topology'), PROBE_MS))),
  ]);
  const { engine, topology, durability } = plan;
  const staleness = stalenessFrom(topologies);
  return {
    engine,
    runtime: 'native',
    topology,
    durability,
    urls: { ...urlsOf(plan), ...noticesUrl(plan, catcherUrl(plan, '/')) },
    nodes,
    apis,
    supervisors,
    haproxy,
    staleness,
    vip: null,
  };
}

async function observeNode(databases: Databases, endpoint: Endpoint): Promise<NodeObservation> {
  const { name, host, port } = endpoint;
  const condition = conditionOf(await databases.process(name));
  const probe = async () =>
    condition === 'running' ? await within(PROBE_MS, ask(databases, endpoint)) : null;
  // Asked twice: the first time this process is itself still starting, which on a busy machine eats the deadline.
  const answer = (await probe()) ?? (await probe());
  return { name, address: `${host}:${port}`, condition, answer };
}

async function ask(databases: Databases, endpoint: Endpoint): Promise<NodeAnswer | null> {
  const { engine, plan } = databases;
  const connectTimeoutMs = PROBE_MS;
  const startedMs = performance.now();
  const connect = (database?: string) =>
    engine.client.connect(endpoint, plan.accounts.monitor, { connectTimeoutMs, database });
  try {
    // The epoch is in the lab's database; a node that was just born has none yet.
    // One that froze just now says nothing at all, and is not waited for twice: this process ends only after all its waits.
    await using connection = await connect(plan.database).catch((error) =>
      performance.now() - startedMs < PROBE_MS / 2 ? connect() : Promise.reject(error),
    );
    return await engine.client.probe(connection, { timeoutMs: PROBE_MS });
  } catch {
    return null; // refused, timed out, or the account does not exist yet: it did not answer
  }
}

async function observeService(services: Services, name: string, url: string): Promise<ServiceObservation> {
  const condition = conditionOf(await services.process(name));
  return { name, condition, ready: condition === 'running' && (await answers(url, PROBE_MS)) };
}

/** Of one that is dead or frozen: null, at once. */
export async function askNativeSupervisors(
  { plan, services }: Pick<NativeLab, 'plan' | 'services'>,
  path: (name: string) => string,
): Promise<Readonly<Record<string, unknown>>> {
  const asked = supervisorNames(plan).map(async (name) => {
    const condition = conditionOf(await services.process(name));
    return [name, await askSupervisor(plan, name, condition, path(name))] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}

/** `POST path` to all supervisors that run. */
export async function orderNativeSupervisors(
  { plan, services }: Pick<NativeLab, 'plan' | 'services'>,
  path: string,
  body: object,
  timeoutMs: number,
): Promise<SupervisorAnswers> {
  const asked = supervisorNames(plan).map(async (name) => {
    const isRunning = conditionOf(await services.process(name)) === 'running';
    const url = supervisorUrl(plan, name, path);
    return [name, isRunning ? await postJson(url, body, timeoutMs, supervisorToken()) : null] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}

const askSupervisor = async (plan: NativePlan, name: string, condition: Condition, path: string) =>
  condition === 'running' ? getJson(supervisorUrl(plan, name, path), PROBE_MS, supervisorToken()) : null;

async function observeSupervisor(
  services: Services,
  plan: NativePlan,
  name: string,
): Promise<SupervisorObservation> {
  const condition = conditionOf(await services.process(name));
  const says = supervisorSays(await askSupervisor(plan, name, condition, '/status'));
  return { name, condition, ready: says !== null, says };
}
