import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { LabError } from './errors.ts';
import { repositoryRoot } from './paths.ts';
import { labState, type MonitoringPorts } from './state.ts';

/** The variables of .env (what `docker compose up` alone would take), then those of the shell, which win. */
export function labSettings(
  env: NodeJS.ProcessEnv = process.env,
): Readonly<Record<string, string | undefined>> {
  let file: Record<string, string | undefined> = {};
  try {
    file = parseEnv(readFileSync(join(repositoryRoot, '.env'), 'utf8'));
  } catch {
    // no .env: the defaults of docker-compose.yml hold
  }
  return { ...file, ...env };
}

const port = z.preprocess((text) => Number(text), labState.shape.httpPort);

/** The variables that `up` itself obeys. An empty one counts as not set, as compose files write it. */
const upSettings = z.object({
  DB_ENGINE: labState.shape.engine.optional(),
  TOPOLOGY: labState.shape.topology.optional(),
  DURABILITY: labState.shape.durability.unwrap().optional(),
  HTTP_PORT: port.optional(),
  STATS_PORT: port.optional(),
  HTTPS_PORT: port.optional(),
  NOTICES_PORT: port.optional(),
  PROMETHEUS_PORT: port.optional(),
  ALERTMANAGER_PORT: port.optional(),
  GRAFANA_PORT: port.optional(),
  NET_PREFIX: labState.shape.netPrefix.unwrap().optional(),
  LAB_LOOPBACK: labState.shape.loopback.unwrap().optional(),
});

type Settings = z.infer<typeof upSettings>;

/** Throws LabError `usage` naming the variable that is wrong. */
export function parseSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  const parsed = upSettings.safeParse(set);
  if (parsed.success) return parsed.data;
  const said = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.')}=${set[String(path[0])]}: ${message}`,
  );
  throw new LabError('usage', `the environment is not usable: ${said.join('; ')}`, null);
}

/** Those of the ports of monitoring that are set. */
export function monitoringPortsIn(settings: Settings): Partial<MonitoringPorts> {
  const { PROMETHEUS_PORT: prometheus, ALERTMANAGER_PORT: alertmanager, GRAFANA_PORT: grafana } = settings;
  return {
    ...(prometheus && { prometheus }),
    ...(alertmanager && { alertmanager }),
    ...(grafana && { grafana }),
  };
}
