import { execa, type Options } from 'execa';
import { LabError } from '../errors.ts';
import { findProgram } from '../native/packages.ts';
import { repositoryRoot } from '../paths.ts';
import type { LabState } from '../state.ts';

/** `docker` and `docker compose`, told which lab they are to work on. */

/** A Docker engine that is only slow (Docker Desktop waking up) still answers within this. */
const ANSWER_MS = 5000;
const COMMAND_MS = 60_000;

export const DEFAULT_NET_PREFIX = '172.28.0';

/** The variables that make docker-compose.yml this lab. All else comes from .env and the shell. */
export function composeEnvironment(
  state: Pick<
    LabState,
    | 'engine'
    | 'topology'
    | 'durability'
    | 'with'
    | 'httpPort'
    | 'statsPort'
    | 'httpsPort'
    | 'noticesPort'
    | 'monitoringPorts'
    | 'netPrefix'
  >,
) {
  return {
    DB_ENGINE: state.engine,
    TOPOLOGY: state.topology,
    DURABILITY: state.durability,
    COMPOSE_PROFILES: [state.engine, state.durability, ...state.with].join(','),
    HTTP_PORT: String(state.httpPort),
    STATS_PORT: String(state.statsPort),
    HTTPS_PORT: String(state.httpsPort),
    NOTICES_PORT: String(state.noticesPort),
    PROMETHEUS_PORT: String(state.monitoringPorts.prometheus),
    ALERTMANAGER_PORT: String(state.monitoringPorts.alertmanager),
    GRAFANA_PORT: String(state.monitoringPorts.grafana),
    NET_PREFIX: state.netPrefix,
  };
}

export interface ComposeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Shows what compose says while it works. */
  readonly show?: boolean;
}

/** Runs `docker compose ARGS` in the checkout and returns its stdout. LabError `docker-failed` with its last words. */
export async function compose(args: readonly string[], options: ComposeOptions = {}): Promise<string> {
  return docker(['compose', ...args], options);
}

export async function docker(args: readonly string[], options: ComposeOptions = {}): Promise<string> {
  const settings: Options = {
    cwd: repositoryRoot,
    env: options.env,
    timeout: options.timeoutMs ?? COMMAND_MS,
    cancelSignal: options.signal,
    reject: false,
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.show ? { stderr: ['pipe', 'inherit'] } : {}),
  };
  const result = await execa('docker', [...args], settings);
  if (result.exitCode === 0) return String(result.stdout ?? '');
  options.signal?.throwIfAborted();
  if (result.code === 'ENOENT') throw noDocker();
  const said = String(result.stderr ?? '')
    .trim()
    .split('\n')
    .slice(-6)
    .join('\n  | ');
  const what = `docker ${args.slice(0, 3).join(' ')} …`;
  const how = result.timedOut ? `did not end within ${(options.timeoutMs ?? COMMAND_MS) / 1000} s` : 'failed';
  throw new LabError('docker-failed', `${what} ${how}:\n  | ${said}`, mendOf(said));
}

function mendOf(said: string): string {
  const port = /(?:bind|listen).*?:(\d+)[^\d].*(?:already allocated|address already in use)/i.exec(said)?.[1];
  if (port)
    return `another program has port ${port}: stop it, or take others: HTTP_PORT=8081 STATS_PORT=8405 HTTPS_PORT=8444 NOTICES_PORT=8026 ./lab up (monitoring: PROMETHEUS_PORT, ALERTMANAGER_PORT, GRAFANA_PORT)`;
  if (/pool overlaps|Address already in use.*subnet|invalid pool request/i.test(said)) {
    return 'another Docker network has this subnet: NET_PREFIX=172.29.7 ./lab up';
  }
  if (/non-overlapping IPv4 address pool|predefined address pools/i.test(said)) {
    return 'Docker has no addresses left for another network: docker network prune removes those that nothing uses';
  }
  if (/pull access denied|manifest (?:unknown|for)|Get "https?:\/\/[^"]*\/v2\//i.test(said)) {
    return 'an image is not here and cannot be fetched: its tag is in .env; without any: ./lab up --runtime native';
  }
  if (/Cannot connect to the Docker daemon|permission denied/i.test(said)) return './lab doctor';
  return './lab logs shows what the containers say';
}

export const noDocker = (): LabError =>
  new LabError(
    'docker-missing',
    'no Docker engine answers, or it has no compose plugin',
    'start Docker (https://docs.docker.com/engine/install/), or use plain processes: ./lab up --runtime native',
  );

/** The engine's version when one answers and `docker compose` is there, else null. */
export async function dockerAnswers(): Promise<string | null> {
  if ((await findProgram('docker')) === null) return null;
  const ask = (args: string[]) =>
    execa('docker', args, { reject: false, timeout: ANSWER_MS, stdin: 'ignore' });
  const [engine, plugin] = await Promise.all([
    ask(['version', '--format', '{{.Server.Version}}']),
    ask(['compose', 'version', '--short']),
  ]);
  return engine.exitCode === 0 && plugin.exitCode === 0 ? engine.stdout.trim() : null;
}
