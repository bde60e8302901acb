import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  agentDirectory,
  CA,
  caFile,
  nodeDirectory as nodeCertificates,
  proxyDirectory,
  replicationDirectory,
  SERVER,
  serviceDirectory,
} from '@replication-lab/certificates';
import type { Accounts, Durability, Endpoint, EngineName, NodeTlsFiles } from '@replication-lab/engines';
import {
  AGENT_PORT,
  API_NAMES,
  API_PORT,
  accountsFrom,
  CATCHER,
  CATCHER_PORT,
  CATCHER_SMTP_PORT,
  CATCHER_TLS_PORT,
  DATABASE_NAME,
  DEFAULT_PORT,
  DEFAULT_SUPERVISOR_TOKEN,
  databaseEnvironment,
  NODE_NAMES,
  nodesFrom,
  nodeTlsFiles,
  SUPERVISOR_NAMES,
  SUPERVISOR_PORT,
  supervisorNames,
} from '@replication-lab/engines/config';
import { engineDirectory } from '../paths.ts';
import type { LabUrls, Topology } from '../runtime.ts';
import type { HttpsPart, LabState } from '../state.ts';

/** Where every process of a native lab listens and what it is told. All addresses of the runtime are on this page. */

export { API_NAMES, API_PORT, CATCHER, SUPERVISOR_NAMES, supervisorNames };
export const DEFAULT_HTTP_PORT = 8080;
export const DEFAULT_STATS_PORT = 8404;
export const DEFAULT_HTTPS_PORT = 8443;
/** Docker only: a native lab has an address of its own for it. */
export const DEFAULT_NOTICES_PORT = 8025;
const PROXY_HOST = '127.0.0.1';

const last = (name: string) => name.slice(name.lastIndexOf('-') + 1);

export const nodeNames = (topology: Topology): readonly string[] =>
  topology === 'single' ? NODE_NAMES.slice(0, 1) : NODE_NAMES;

/** The first two numbers of the lab's addresses; LAB_LOOPBACK makes room for a second lab beside the first. */
export const DEFAULT_LOOPBACK = '127.0';

type Where = Pick<NativePlan, 'engine' | 'loopback'>;

/** `db-2` is 127.0.10.2 on the engine's standard port. */
export const nodeEndpoint = ({ engine, loopback }: Where, name: string): Endpoint => ({
  name,
  host: `${loopback}.10.${last(name)}`,
  port: DEFAULT_PORT[engine],
});

export const apiHost = ({ loopback }: Pick<Where, 'loopback'>, name: string): string =>
  `${loopback}.20.${last(name)}`;

/** How those are spoken to. */
export const schemeOf = ({ https }: Pick<NativePlan, 'https'>, part: HttpsPart): 'http' | 'https' =>
  https.includes(part) ? 'https' : 'http';

export const apiUrl = (plan: Pick<NativePlan, 'loopback' | 'https'>, name: string, path: string): string =>
  `${schemeOf(plan, 'api')}://${apiHost(plan, name)}:${API_PORT}${path}`;

export const supervisorHost = ({ loopback }: Pick<Where, 'loopback'>, name: string): string =>
  `${loopback}.30.${last(name)}`;

export const supervisorUrl = (
  plan: Pick<NativePlan, 'loopback' | 'https'>,
  name: string,
  path: string,
): string => `${schemeOf(plan, 'supervisors')}://${supervisorHost(plan, name)}:${SUPERVISOR_PORT}${path}`;

/** `db-1` … : where the agent answers for this node. */
export const agentUrl = (
  plan: Pick<NativePlan, 'endpoints' | 'https'>,
  name: string,
  path: string,
): string => {
  const { host } = plan.endpoints.find((endpoint) => endpoint.name === name)!;
  return `${schemeOf(plan, 'agents')}://${host}:${AGENT_PORT}${path}`;
};

/** One process for the agents of all nodes; it listens on each node's address. */
export const AGENT = 'agent';

export const catcherHost = ({ loopback }: Pick<Where, 'loopback'>): string => `${loopback}.40.1`;

/** For people. */
export const catcherUrl = (where: Pick<Where, 'loopback'>, path: string): string =>
  `http://${catcherHost(where)}:${CATCHER_PORT}${path}`;

/** Where the catcher takes webhooks, and mail. */
export const webhookUrl = (plan: Pick<NativePlan, 'loopback' | 'https'>): string =>
  plan.https.includes('notices')
    ? `https://${catcherHost(plan)}:${CATCHER_TLS_PORT}/notices`
    : catcherUrl(plan, '/notices');

export const mailHost = (where: Pick<Where, 'loopback'>): string =>
  `${catcherHost(where)}:${CATCHER_SMTP_PORT}`;

/** What watches the lab and mends it, in the order in which it is started. */
export const guardNames = (lab: Pick<LabState, 'topology' | 'durability'>): readonly string[] =>
  supervisorNames(lab).length > 0 ? [AGENT, CATCHER, ...supervisorNames(lab)] : [];

export interface NativePlan {
  readonly stateDir: string;
  readonly engine: EngineName;
  readonly topology: Topology;
  readonly durability: Durability;
  readonly httpPort: number;
  readonly statsPort: number;
  readonly httpsPort: number;
  readonly loopback: string;
  readonly endpoints: readonly Endpoint[];
  readonly accounts: Accounts;
  readonly database: string;
  /** Absent in a lab that was brought up before labs had certificates: `./lab up` gives it some. */
  readonly certificates: string | null;
  /** Who speaks HTTPS. */
  readonly https: readonly HttpsPart[];
}

/** Below the state directory: where a lab's certificates are. They stay as long as its data does. */
export const CERTIFICATES = 'tls';
export const certificatesDirectory = (stateDir: string): string => join(stateDir, CERTIFICATES);

type Wanted = Pick<
  LabState,
  | 'engine'
  | 'topology'
  | 'durability'
  | 'httpPort'
  | 'statsPort'
  | 'httpsPort'
  | 'loopback'
  | 'certificates'
  | 'https'
>;

/** Everything that follows from the engine, the topology and the environment's passwords. */
export function planNative(
  stateDir: string,
  wanted: Wanted,
  env: NodeJS.ProcessEnv = process.env,
): NativePlan {
  const { engine, topology, durability, httpPort, statsPort, httpsPort, loopback } = wanted;
  const nodes = nodeNames(topology).map((name) => nodeEndpoint({ engine, loopback }, name));
  const root = certificatesDirectory(stateDir);
  // Without the file there is nothing to verify with, and whatever asks is refused: `./lab up` makes it anew.
  const certificates = wanted.certificates && existsSync(caFile(root)) ? root : null;
  const parsed = databaseEnvironment.parse({
    ...env,
    ...tlsEnvironment({ certificates }),
    DB_ENGINE: engine,
    DB_NODES: nodeList(nodes),
  });
  // Accounts of all three nodes always: the schema made for one must serve when the others join.
  const accounts = accountsFrom(parsed);
  return {
    stateDir,
    engine,
    topology,
    durability,
    httpPort,
    statsPort,
    httpsPort,
    loopback,
    endpoints: nodesFrom(parsed),
    accounts,
    database: DATABASE_NAME,
    certificates,
    https: certificates === null ? [] : wanted.https,
  };
}

/** A node as clients connect to it; also one that the topology leaves out. */
export function securedEndpoint(plan: NativePlan, name: string): Endpoint {
  return { ...nodeEndpoint(plan, name), tls: plan.endpoints[0]?.tls };
}

/** What the node's server shows and believes. */
export const nodeTls = ({ certificates }: NativePlan, name: string): NodeTlsFiles | undefined =>
  certificates === null ? undefined : nodeTlsFiles(nodeCertificates(certificates, name));

/** How a process that acts in the name of nodes finds the certificates. */
function tlsEnvironment({ certificates }: Pick<NativePlan, 'certificates'>): Record<string, string> {
  if (certificates === null) return {};
  return {
    DB_TLS_CA: caFile(certificates),
    DB_TLS_NODE_DIR: nodeCertificates(certificates, '{node}'),
    DB_TLS_REPLICATION_DIR: replicationDirectory(certificates),
  };
}

/** What agents show, and how those who ask them verify it. */
const agentTlsEnvironment = ({ certificates, https }: Pick<NativePlan, 'certificates' | 'https'>) =>
  certificates !== null && https.includes('agents')
    ? {
        TLS_CERT_FILE: join(agentDirectory(certificates, '{node}'), SERVER),
        AGENT_TLS_CA: caFile(certificates),
      }
    : {};

/** What one of the lab's other programs shows. */
export const ownCertificate = (
  { certificates, https }: Pick<NativePlan, 'certificates' | 'https'>,
  part: HttpsPart,
  name: string,
) =>
  certificates !== null && https.includes(part)
    ? { TLS_CERT_FILE: join(serviceDirectory(certificates, name), SERVER) }
    : {};

/** How one that only connects to nodes does. */
const clientTlsEnvironment = ({ certificates }: Pick<NativePlan, 'certificates'>): Record<string, string> =>
  certificates === null ? {} : { DB_TLS_CA: caFile(certificates) };

export const nodeList = (endpoints: readonly Endpoint[]): string =>
  endpoints.map(({ name, host, port }) => `${name}=${host}:${port}`).join(',');

export const nodeDirectory = (plan: NativePlan, name: string): string =>
  join(engineDirectory(plan.stateDir, plan.engine), name);

export const runDirectory = (stateDir: string): string => join(stateDir, 'run');
export const pidFile = (stateDir: string, name: string): string =>
  join(runDirectory(stateDir), `${name}.pid`);
export const logFile = (stateDir: string, name: string): string => join(stateDir, 'logs', `${name}.log`);

export const urlsOf = ({
  httpPort,
  statsPort,
  httpsPort,
}: Pick<NativePlan, 'httpPort' | 'statsPort' | 'httpsPort'>): LabUrls => ({
  api: `http://${PROXY_HOST}:${httpPort}`,
  apiOverTls: `https://${PROXY_HOST}:${httpsPort}`,
  openapi: `http://${PROXY_HOST}:${httpPort}/openapi.json`,
  topology: `http://${PROXY_HOST}:${httpPort}/topology`,
  haproxyStats: `http://${PROXY_HOST}:${statsPort}/`,
});

/** The page with the supervisors' notices, where supervisors watch. */
export const noticesUrl = (
  lab: Pick<LabState, 'topology' | 'durability'>,
  page: string,
): Readonly<Record<string, string>> => (supervisorNames(lab).length > 0 ? { notices: page } : {});

/** What one API process reads from its environment; names as in services/api/src/config.ts. */
export function apiEnvironment(plan: NativePlan, name: string, env: NodeJS.ProcessEnv = process.env) {
  const { accounts } = plan;
  return {
    ...env,
    NODE_ENV: 'production',
    API_NAME: name,
    HOST: apiHost(plan, name),
    PORT: String(API_PORT),
    DB_ENGINE: plan.engine,
    DB_NODES: nodeList(plan.endpoints),
    DB_APP_PASSWORD: accounts.app.password,
    DB_APP_READ_ONLY_PASSWORD: accounts.appReadOnly.password,
    DB_MONITOR_PASSWORD: accounts.monitor.password,
    ...clientTlsEnvironment(plan),
    ...ownCertificate(plan, 'api', name),
    TOPOLOGY: plan.topology,
  };
}

/** What opens the supervisors' status. */
export const supervisorToken = (env: NodeJS.ProcessEnv = process.env): string =>
  env.SUPERVISOR_TOKEN || DEFAULT_SUPERVISOR_TOKEN;

/** What one supervisor reads from its environment; names as in services/supervisor/src/config.ts. */
export function supervisorEnvironment(plan: NativePlan, name: string, env: NodeJS.ProcessEnv = process.env) {
  return {
    ...env,
    NODE_ENV: 'production',
    SUPERVISOR_NAME: name,
    HOST: supervisorHost(plan, name),
    SUPERVISOR_PORT: String(SUPERVISOR_PORT),
    SUPERVISOR_TOKEN: supervisorToken(env),
    DB_ENGINE: plan.engine,
    DB_NODES: nodeList(plan.endpoints),
    DB_SUPERVISOR_PASSWORD: plan.accounts.supervisor.password,
    ...tlsEnvironment(plan),
    ...agentTlsEnvironment(plan),
    ...ownCertificate(plan, 'supervisors', name),
    ...noticeEnvironment(plan, env),
  };
}

/** Notices go to the lab's catcher, unless the shell says where else; an empty variable: nowhere. */
function noticeEnvironment(
  plan: Pick<NativePlan, 'loopback' | 'https' | 'certificates'>,
  env: NodeJS.ProcessEnv,
) {
  const isTls = plan.certificates !== null && plan.https.includes('notices');
  return {
    NOTIFY_WEBHOOK_URL: env.NOTIFY_WEBHOOK_URL ?? webhookUrl(plan),
    NOTIFY_SMTP_URL: env.NOTIFY_SMTP_URL ?? `smtp://${mailHost(plan)}${isTls ? '?requireTLS=true' : ''}`,
    NOTIFY_TLS_CA: env.NOTIFY_TLS_CA ?? (isTls ? caFile(plan.certificates) : ''),
    NOTIFY_MAIL_FROM: env.NOTIFY_MAIL_FROM || 'supervisor@lab.test',
    NOTIFY_MAIL_TO: env.NOTIFY_MAIL_TO || 'on-call@lab.test',
  };
}

/** What the catcher of notices reads from its environment. */
export function catcherEnvironment(
  plan: Pick<NativePlan, 'loopback' | 'https' | 'certificates'>,
  env: NodeJS.ProcessEnv = process.env,
) {
  return {
    ...env,
    NODE_ENV: 'production',
    HOST: catcherHost(plan),
    CATCHER_PORT: String(CATCHER_PORT),
    CATCHER_TLS_PORT: String(CATCHER_TLS_PORT),
    CATCHER_SMTP_PORT: String(CATCHER_SMTP_PORT),
    ...ownCertificate(plan, 'notices', CATCHER),
  };
}

/** What the agents read from their environment; names as in services/agent/src/native-config.ts. */
export function agentEnvironment(plan: NativePlan, env: NodeJS.ProcessEnv = process.env) {
  return {
    ...env,
    NODE_ENV: 'production',
    DB_ENGINE: plan.engine,
    DB_NODES: nodeList(plan.endpoints),
    DB_ADMIN_PASSWORD: plan.accounts.admin.password,
    DB_SUPERVISOR_PASSWORD: plan.accounts.supervisor.password,
    DB_MONITOR_PASSWORD: plan.accounts.monitor.password,
    ...tlsEnvironment(plan),
    ...agentTlsEnvironment(plan),
    AGENT_PORT: String(AGENT_PORT),
    NATIVE_STATE_DIR: plan.stateDir,
    SUPERVISED: '1',
  };
}

/** Where HAProxy takes orders. Its user makes it, in a directory of its own. */
export const haproxySocket = (stateDir: string): string =>
  join(runDirectory(stateDir), 'haproxy', 'admin.sock');

/** The file that HAProxy shows its certificate from. */
export const proxyCertificate = (certificates: string): string => join(proxyDirectory(certificates), SERVER);

/** What infra/haproxy/haproxy.cfg reads from its environment. */
export function haproxyEnvironment(plan: NativePlan, env: NodeJS.ProcessEnv = process.env) {
  const apis = Object.fromEntries(
    API_NAMES.map((name) => [name.toUpperCase().replace('-', '_'), `${apiHost(plan, name)}:${API_PORT}`]),
  );
  return {
    ...env,
    ...apis,
    HTTP_BIND: `${PROXY_HOST}:${plan.httpPort}`,
    STATS_BIND: `${PROXY_HOST}:${plan.statsPort}`,
    ...(plan.certificates !== null && {
      HTTPS_BIND: `${PROXY_HOST}:${plan.httpsPort}`,
      HTTPS_CERTIFICATE: proxyCertificate(plan.certificates),
      ADMIN_SOCKET: haproxySocket(plan.stateDir),
    }),
    ...(plan.certificates !== null &&
      plan.https.includes('api') && { API_CA: join(proxyDirectory(plan.certificates), CA) }),
  };
}
