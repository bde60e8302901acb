import { DEFAULT_HTTP_PORT, DEFAULT_LOOPBACK, DEFAULT_STATS_PORT } from '../native/layout.ts';
import { repositoryRoot } from '../paths.ts';
import { ENGINES, type LabState } from '../state.ts';
import { docker, dockerAnswers } from './compose.ts';
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
    phase: 'up',
    startedAt: new Date().toISOString(),
    checkout: repositoryRoot,
    with: [],
    httpPort: publishedPort(containers, 8080) ?? DEFAULT_HTTP_PORT,
    statsPort: publishedPort(containers, 8404) ?? DEFAULT_STATS_PORT,
    loopback: DEFAULT_LOOPBACK,
    capCpus: null,
  };
}

const publishedPort = (containers: readonly Container[], target: number): number | undefined =>
  containers
    .find(({ Service }) => Service === 'haproxy')
    ?.Publishers.find(({ TargetPort, PublishedPort }) => TargetPort === target && PublishedPort > 0)
    ?.PublishedPort;

async function topologyOf(containers: readonly Container[]): Promise<LabState['topology']> {
  const host = containers.find(({ Service }) => Service === 'db-1');
  if (!host) return 'replicated';
  const env = await docker(['inspect', '--format', '{{json .Config.Env}}', host.ID]).catch(() => '');
  return env.includes('"TOPOLOGY=single"') ? 'single' : 'replicated';
}
