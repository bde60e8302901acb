import { CATCHER_PORT } from '@replication-lab/engines/config';
import { ALERTMANAGER, GRAFANA, MONITORING, PROMETHEUS } from '@replication-lab/monitoring';
import {
  API_NAMES,
  CATCHER,
  DEFAULT_HTTP_PORT,
  DEFAULT_HTTPS_PORT,
  DEFAULT_LOOPBACK,
  DEFAULT_NOTICES_PORT,
  DEFAULT_STATS_PORT,
  SUPERVISOR_NAMES,
} from '../native/layout.ts';
import { repositoryRoot } from '../paths.ts';
import { DEFAULT_MONITORING_PORTS, ENGINES, HTTPS_PARTS, type HttpsPart, type LabState } from '../state.ts';
import { DEFAULT_NET_PREFIX, docker, dockerAnswers } from './compose.ts';
import { type Container, listContainers } from './containers.ts';

/** A lab that somebody started with `docker compose up`, without this command; null when there is none. */
export async function dockerLabWithoutState(): Promise<LabState | null> {
  if ((await dockerAnswers()) === null) return null;
  const containers = await listContainers().catch(() => []);
  const engine = ENGINES.find((name) => containers.some(({ Service }) => Service.startsWith(`${name}-`)));
  if (!engine) return null;
  return {
    version: 1,
    engine,
    runtime: 'docker',
    topology: await topologyOf(containers),
    durability: await durabilityOf(containers),
    phase: 'up',
    startedAt: new Date().toISOString(),
    checkout: repositoryRoot,
    with: containers.some(({ Service }) => Service === PROMETHEUS) ? [MONITORING] : [],
    httpPort: publishedPort(containers, 'haproxy', 8080) ?? DEFAULT_HTTP_PORT,
    statsPort: publishedPort(containers, 'haproxy', 8404) ?? DEFAULT_STATS_PORT,
    httpsPort: publishedPort(containers, 'haproxy', 8443) ?? DEFAULT_HTTPS_PORT,
    noticesPort: publishedPort(containers, CATCHER, CATCHER_PORT) ?? DEFAULT_NOTICES_PORT,
    monitoringPorts: {
      prometheus: publishedPort(containers, PROMETHEUS, 9090) ?? DEFAULT_MONITORING_PORTS.prometheus,
      alertmanager: publishedPort(containers, ALERTMANAGER, 9093) ?? DEFAULT_MONITORING_PORTS.alertmanager,
      grafana: publishedPort(containers, GRAFANA, 3000) ?? DEFAULT_MONITORING_PORTS.grafana,
    },
    loopback: DEFAULT_LOOPBACK,
    netPrefix: await netPrefixOf(containers),
    certificates: true,
    https: await httpsPartsOf(containers),
    capCpus: null,
  };
}

const publishedPort = (
  containers: readonly Container[],
  service: string,
  target: number,
): number | undefined =>
  containers
    .find(({ Service }) => Service === service)
    ?.Publishers.find(({ TargetPort, PublishedPort }) => TargetPort === target && PublishedPort > 0)
    ?.PublishedPort;

async function netPrefixOf(containers: readonly Container[]): Promise<string> {
  const host = containers.find(({ Service }) => Service === 'db-1');
  const format = '{{range .NetworkSettings.Networks}}{{.IPAMConfig.IPv4Address}}{{end}}';
  const address = host ? await docker(['inspect', '--format', format, host.ID]).catch(() => '') : '';
  return /^(\d+\.\d+\.\d+)\.\d+$/.exec(address.trim())?.[1] ?? DEFAULT_NET_PREFIX;
}

/** One of each kind is looked at. */
const ONE_OF: Partial<Readonly<Record<HttpsPart, string>>> = {
  agents: 'db-1',
  api: API_NAMES[0],
  supervisors: SUPERVISOR_NAMES[0],
  notices: CATCHER,
};

/** All but those that run and are given no certificate: what does not run will be given one. */
async function httpsPartsOf(containers: readonly Container[]): Promise<HttpsPart[]> {
  const speaks = await Promise.all(
    HTTPS_PARTS.map(async (part) => {
      const service = ONE_OF[part];
      if (!containers.some(({ Service }) => Service === service)) return true;
      return (await variableOf(containers, 'TLS_CERT_FILE', service)) !== null;
    }),
  );
  return HTTPS_PARTS.filter((_, i) => speaks[i]);
}

/** A variable of a service's environment, of the database hosts' by default; null without such a container. */
async function variableOf(
  containers: readonly Container[],
  name: string,
  service = 'db-1',
): Promise<string | null> {
  const host = containers.find(({ Service }) => Service === service);
  if (!host) return null;
  const env = await docker(['inspect', '--format', '{{json .Config.Env}}', host.ID]).catch(() => '');
  return new RegExp(`"${name}=([^"]*)"`).exec(env)?.[1] ?? null;
}

const topologyOf = async (containers: readonly Container[]): Promise<LabState['topology']> =>
  (await variableOf(containers, 'TOPOLOGY')) === 'single' ? 'single' : 'replicated';

const durabilityOf = async (containers: readonly Container[]): Promise<LabState['durability']> =>
  (await variableOf(containers, 'DURABILITY')) === 'quorum' ? 'quorum' : 'async';
