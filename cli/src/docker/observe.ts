import { AGENT_PORT, NODE_NAMES, SUPERVISOR_PORT } from '@replication-lab/engines/config';
import { z } from 'zod';
import { answers } from '../http.ts';
import {
  API_NAMES,
  API_PORT,
  nodeNames,
  noticesUrl,
  schemeOf,
  supervisorNames,
  supervisorToken,
  urlsOf,
} from '../native/layout.ts';
import { labSettings } from '../settings.ts';
import type { LabState } from '../state.ts';
import { stalenessFrom } from '../status/staleness.ts';
import { supervisorSays } from '../status/supervisors.ts';
import type { LabObservation, NodeAnswer, NodeObservation, SupervisorObservation } from '../status/types.ts';
import { composeEnvironment } from './compose.ts';
import { type Container, conditionOf, listContainers, serviceOf } from './containers.ts';
import { type Answers, askInside } from './inside.ts';
import { hasMonitoring, monitoringUrls } from './monitoring.ts';

/** The agent itself gives its database a second; the rest is for a machine under load. */
const ASK_MS = 2500;

/** What an agent's /health says; see services/agent. */
export const agentHealth = z.object({
  up: z.boolean(),
  role: z.enum(['primary', 'replica', 'unknown']),
  readOnly: z.boolean().nullable(),
  epoch: z.number().nullable(),
  position: z.string().nullable(),
  replicating: z.boolean().nullable(),
  source: z.string().nullable(),
  engineLagMs: z.number().nullable(),
  vip: z.boolean(),
});

export async function observeDocker(state: LabState): Promise<Omit<LabObservation, 'faults'>> {
  const env = composeEnvironment(state);
  const containers = await listContainers(env);
  const [inside, supervisors, proxyReady] = await Promise.all([
    askInside(containers, targetsOf(state), ASK_MS, env),
    askDockerSupervisors(state, () => '/status', containers),
    answers(`http://127.0.0.1:${state.statsPort}/healthz`, ASK_MS),
  ]);
  return {
    engine: state.engine,
    runtime: 'docker',
    topology: state.topology,
    durability: state.durability,
    urls: { ...urlsOf(state), ...noticesUrlOf(state), ...monitoringUrls(state) },
    nodes: nodeNames(state.topology).map((name) => nodeOf(name, state, containers, inside)),
    apis: API_NAMES.map((name) => ({
      name,
      condition: conditionOf(containers, name),
      ready: inside[`${name} ready`]?.status === 200,
    })),
    supervisors: supervisorNames(state).map((name) => supervisorOf(name, containers, supervisors)),
    haproxy: { name: 'haproxy', condition: conditionOf(containers, 'haproxy'), ready: proxyReady },
    capCpus: state.capCpus,
    staleness: stalenessFrom(API_NAMES.map((name) => inside[`${name} topology`]?.body)),
    vip: { address: vipAddress(state), holder: vipHolder(inside) },
  };
}

/** The catcher is there for the supervisors' notices, and for alerts. */
function noticesUrlOf(state: LabState): Readonly<Record<string, string>> {
  const page = `http://127.0.0.1:${state.noticesPort}/`;
  return hasMonitoring(state) ? { notices: page } : noticesUrl(state, page);
}

function targetsOf(state: LabState): Record<string, string> {
  const agents = nodeNames(state.topology).map((name) => [name, agentUrl(state, name)]);
  const apis = API_NAMES.flatMap((name) => [
    [`${name} ready`, apiUrl(state, name, '/readyz')],
    [`${name} topology`, apiUrl(state, name, '/topology')],
  ]);
  return Object.fromEntries([...agents, ...apis]);
}

/** What the agent of a node says of it. */
export const agentUrl = (state: Pick<LabState, 'https'>, node: string): string =>
  `${schemeOf(state, 'agents')}://${node}:${AGENT_PORT}/health`;

export const apiUrl = (state: Pick<LabState, 'https'>, name: string, path: string): string =>
  `${schemeOf(state, 'api')}://${name}:${API_PORT}${path}`;

export const supervisorUrl = (state: Pick<LabState, 'https'>, name: string, path: string): string =>
  `${schemeOf(state, 'supervisors')}://${name}:${SUPERVISOR_PORT}${path}`;

/** What the supervisors answer to `GET path`, by their names. */
export function askDockerSupervisors(
  state: LabState,
  path: (name: string) => string,
  containers: readonly Container[],
): Promise<Answers> {
  const targets = supervisorUrls(state, path);
  const env = composeEnvironment(state);
  return askInside(containers, targets, ASK_MS, env, { token: supervisorToken(labSettings()) });
}

export function orderDockerSupervisors(
  state: LabState,
  path: string,
  body: object,
  timeoutMs: number,
  containers: readonly Container[],
): Promise<Answers> {
  const env = composeEnvironment(state);
  const token = supervisorToken(labSettings());
  return askInside(
    containers,
    supervisorUrls(state, () => path),
    timeoutMs,
    env,
    { token, body },
  );
}

const supervisorUrls = (state: LabState, path: (name: string) => string): Record<string, string> =>
  Object.fromEntries(supervisorNames(state).map((name) => [name, supervisorUrl(state, name, path(name))]));

function supervisorOf(
  name: string,
  containers: readonly Container[],
  answered: Answers,
): SupervisorObservation {
  const condition = conditionOf(containers, name);
  const says = condition === 'running' ? supervisorSays(answered[name]?.body) : null;
  return { name, condition, ready: says !== null, says };
}

/** A node's fixed address, and the one that follows the primary: as in docker-compose.yml. */
export const nodeAddress = ({ netPrefix }: Pick<LabState, 'netPrefix'>, name: string): string =>
  `${netPrefix}.${10 + Number(name.slice(-1))}`;
const vipAddress = ({ netPrefix }: LabState): string => `${netPrefix}.100`;

function nodeOf(
  name: string,
  state: LabState,
  containers: readonly Container[],
  inside: Answers,
): NodeObservation {
  const condition = conditionOf(containers, serviceOf(state.engine, name));
  const health = agentHealth.safeParse(inside[name]?.body);
  const answer = condition === 'running' && health.success && health.data.up ? answerOf(health.data) : null;
  return { name, address: nodeAddress(state, name), condition, answer };
}

function answerOf(health: z.infer<typeof agentHealth>): NodeAnswer {
  const { role, readOnly, position, epoch, replicating, source, engineLagMs } = health;
  return {
    role,
    readOnly: readOnly ?? true,
    position: position ?? '',
    epoch: epoch ?? 0,
    replicating,
    source,
    engineLagMs,
  };
}

function vipHolder(inside: Answers): string | null {
  const holders = NODE_NAMES.filter((name) => agentHealth.safeParse(inside[name]?.body).data?.vip === true);
  return holders.length === 1 ? holders[0]! : null;
}
