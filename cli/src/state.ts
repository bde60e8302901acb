import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DURABILITIES, databaseEnvironment, TOPOLOGIES } from '@replication-lab/engines/config';
import { z } from 'zod';
import { LabError, messageOf, systemCode } from './errors.ts';

const engineName = databaseEnvironment.shape.DB_ENGINE.unwrap();
export const ENGINES = engineName.options;
export { TOPOLOGIES };
export const RUNTIMES = ['docker', 'native'] as const;

/** Whoever of a lab answers over HTTPS, and over nothing else, beside HAProxy. */
export const HTTPS_PARTS = ['agents', 'api', 'supervisors', 'exporter', 'notices'] as const;
export type HttpsPart = (typeof HTTPS_PARTS)[number];

const port = z.number().int().min(1).max(65_535);
const monitoringPorts = z.object({
  prometheus: port.default(9090),
  alertmanager: port.default(9093),
  grafana: port.default(3000),
});
export type MonitoringPorts = z.infer<typeof monitoringPorts>;
export const DEFAULT_MONITORING_PORTS = monitoringPorts.parse({});

/** What the last `up` left behind, for every later command. */
export const labState = z.object({
  version: z.literal(1),
  engine: engineName,
  runtime: z.enum(RUNTIMES),
  topology: z.enum(TOPOLOGIES),
  /** A state of an older version has none, and waits for nobody. */
  durability: z.enum(DURABILITIES).default('async'),
  /** `up` is written once everything answered; `starting` is what an interrupted `up` leaves. */
  phase: z.enum(['starting', 'up']),
  startedAt: z.iso.datetime(),
  checkout: z.string(),
  /** Optional parts (docker profiles). */
  with: z.array(z.string()).default([]),
  httpPort: port,
  statsPort: port,
  httpsPort: port.default(8443),
  /** Docker: where the page with the supervisors' notices is. */
  noticesPort: port.default(8025),
  /** Docker: where Prometheus, Alertmanager and Grafana are. */
  monitoringPorts: monitoringPorts.prefault({}),
  /** Native: first two numbers of the lab's addresses. */
  loopback: z
    .string()
    .regex(/^127\.\d{1,3}$/)
    .default('127.0'),
  /** Docker: first three numbers of the lab's network. */
  netPrefix: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,3}){2}$/)
    .default('172.28.0'),
  /** Its databases speak TLS. A state of an older version has none: those servers speak clear text. */
  certificates: z.boolean().default(false),
  /** Those of its parts that speak HTTPS. The others, in the lab of an older version, speak HTTP. */
  https: z.preprocess(
    // Written when it could be agents only.
    (value) => (typeof value === 'boolean' ? (value ? ['agents'] : []) : value),
    z.array(z.enum(HTTPS_PARTS)).default([]),
  ),
  /** CPUs each database node may use; null: no cap. Survives restarts of nodes. */
  capCpus: z.number().positive().nullable().default(null),
});
export type LabState = z.infer<typeof labState>;

const stateFile = (stateDir: string) => join(stateDir, 'state.json');

/** Null when no lab was brought up from this state directory. Throws LabError `state-unreadable`. */
export async function readState(stateDir: string): Promise<LabState | null> {
  let text: string;
  try {
    text = await readFile(stateFile(stateDir), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw unreadable(stateDir, messageOf(error));
  }
  try {
    return labState.parse(JSON.parse(text));
  } catch (error) {
    throw unreadable(stateDir, error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error));
  }
}

const unreadable = (stateDir: string, why: string) =>
  new LabError(
    'state-unreadable',
    `cannot read ${stateFile(stateDir)}: ${why}`,
    `look for processes left over (./lab doctor), then remove ${stateFile(stateDir)}`,
  );

/** Written whole or not at all. */
export async function writeState(stateDir: string, state: LabState): Promise<void> {
  await makeStateDirectory(stateDir);
  const path = stateFile(stateDir);
  await writeFile(`${path}.new`, `${JSON.stringify(labState.parse(state), null, 2)}\n`);
  await rename(`${path}.new`, path);
}

export async function removeState(stateDir: string): Promise<void> {
  await rm(stateFile(stateDir), { force: true });
}

/** 0711: the servers' users may pass through to their own directory, and look at nothing else. */
export async function makeStateDirectory(stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true });
    await chmod(stateDir, 0o711);
  } catch (error) {
    throw new LabError(
      'state-dir-not-writable',
      `cannot make the state directory ${stateDir}: ${messageOf(error)}`,
      'set LAB_STATE_DIR to a directory you can write, with a short path, for example /var/tmp/my-lab',
      error,
    );
  }
}

/** The state of a lab that is up, or LabError `not-up`. */
export async function requireState(stateDir: string): Promise<LabState> {
  const state = await readState(stateDir);
  if (state) return state;
  throw new LabError('not-up', 'no lab is up', './lab up');
}
