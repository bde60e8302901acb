import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CA, caFile } from '@replication-lab/certificates';
import { SUPERVISOR_PORT } from '@replication-lab/engines/config';
import { LabError } from '../errors.ts';
import { repositoryRoot } from '../paths.ts';
import type { LabState } from '../state.ts';
import {
  API_NAMES,
  API_PORT,
  apiHost,
  mailHost,
  type NativePlan,
  ownCertificate,
  runDirectory,
  schemeOf,
  supervisorHost,
  supervisorNames,
  supervisorToken,
  webhookUrl,
} from './layout.ts';
import { findProgram, installCommand, type Need } from './packages.ts';
import { unprivilegedUser } from './users.ts';

/** Prometheus and Alertmanager of a native lab (`./lab up --with monitoring`); what they ask and tell is in infra/monitoring. */

export const MONITORING = 'monitoring';
export const PROMETHEUS = 'prometheus';
export const ALERTMANAGER = 'alertmanager';

/** Debian's name of the program, by ours. */
const PROGRAMS = { [PROMETHEUS]: 'prometheus', [ALERTMANAGER]: 'prometheus-alertmanager' } as const;
/** What no part of the lab measures of itself: see lab-figures.ts. */
export const LAB_EXPORTER = 'lab-exporter';
type MonitorName = keyof typeof PROGRAMS | typeof LAB_EXPORTER;

const PLACES = {
  [PROMETHEUS]: { last: 1, port: 9090 },
  [ALERTMANAGER]: { last: 2, port: 9093 },
  [LAB_EXPORTER]: { last: 3, port: 9100 },
} as const satisfies Record<MonitorName, { last: number; port: number }>;

type Where = Pick<NativePlan, 'loopback'>;

export const isMonitor = (name: string): name is MonitorName => name in PLACES;

/** What is started for it, in this order. */
export const monitorNames = ({ with: parts }: Pick<LabState, 'with'>): readonly MonitorName[] =>
  parts.includes(MONITORING) ? [ALERTMANAGER, LAB_EXPORTER, PROMETHEUS] : [];

export const monitorAddress = ({ loopback }: Where, name: MonitorName) => ({
  host: `${loopback}.50.${PLACES[name].last}`,
  port: PLACES[name].port,
});

/** People look at the two others with a browser. */
const schemeOfMonitor = (plan: Pick<NativePlan, 'https'>, name: MonitorName): 'http' | 'https' =>
  name === LAB_EXPORTER ? schemeOf(plan, 'exporter') : 'http';

export const monitorUrl = (
  plan: Where & Pick<NativePlan, 'https'>,
  name: MonitorName,
  path: string,
): string => {
  const { host, port } = monitorAddress(plan, name);
  return `${schemeOfMonitor(plan, name)}://${host}:${port}${path}`;
};

/** For people. */
export const monitorUrls = (
  plan: Where & Pick<NativePlan, 'https'>,
  lab: Pick<LabState, 'with'>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    monitorNames(lab)
      .filter((name) => name !== LAB_EXPORTER)
      .map((name) => [name, monitorUrl(plan, name, '/')]),
  );

export const monitoringNeed: Need = {
  what: 'Prometheus and Alertmanager',
  packages: Object.values(PROGRAMS),
  present: async () => {
    const found = await Promise.all(Object.values(PROGRAMS).map((program) => findProgram(program)));
    return found.every((path) => path !== null);
  },
};

const SOURCE = join(repositoryRoot, 'infra/monitoring');
const RULES = ['recording.yml', 'alerts.yml'];
/** What was measured is kept for a day, and no more than this. */
const KEEP = ['--storage.tsdb.retention.time=1d', '--storage.tsdb.retention.size=512MB'];

/** Writes its configuration anew, and returns how it is started. LabError `missing-servers` without its program. */
export async function monitorCommand(plan: NativePlan, name: MonitorName) {
  if (name === LAB_EXPORTER) return exporterCommand(plan);
  const file = await findProgram(PROGRAMS[name]);
  if (!file) {
    const packages = monitoringNeed.packages;
    throw new LabError('missing-servers', `${name} is not on this machine`, installCommand(packages));
  }
  const runAs = await unprivilegedUser(['prometheus', 'nobody']);
  const directory = join(runDirectory(plan.stateDir), name);
  const data = join(directory, 'data');
  await mkdir(data, { recursive: true });
  if (runAs) await chown(data, runAs.uid, runAs.gid);
  const { host, port } = monitorAddress(plan, name);
  const listen = `--web.listen-address=${host}:${port}`;
  const args =
    name === PROMETHEUS
      ? [
          `--config.file=${await writePrometheus(plan, directory, runAs)}`,
          `--storage.tsdb.path=${data}`,
          ...KEEP,
        ]
      : // The only one of its kind looks for no others.
        [
          `--config.file=${await writeAlertmanager(plan, directory)}`,
          `--storage.path=${data}`,
          '--cluster.listen-address=',
        ];
  return { file, args: [...args, listen], env: process.env, cwd: directory, runAs };
}

function exporterCommand(plan: NativePlan) {
  const { host, port } = monitorAddress(plan, LAB_EXPORTER);
  return {
    file: process.execPath,
    args: [join(repositoryRoot, 'cli/src/native/lab-exporter-main.ts')],
    env: {
      ...process.env,
      LAB_STATE_DIR: plan.stateDir,
      HOST: host,
      PORT: String(port),
      ...ownCertificate(plan, 'exporter', LAB_EXPORTER),
    },
    cwd: repositoryRoot,
  };
}

async function writePrometheus(
  plan: NativePlan,
  directory: string,
  runAs: { readonly uid: number; readonly gid: number } | null,
): Promise<string> {
  await mkdir(join(directory, 'targets'), { recursive: true });
  await mkdir(join(directory, 'rules'), { recursive: true });
  for (const rules of RULES) await copyFile(join(SOURCE, 'rules', rules), join(directory, 'rules', rules));
  for (const [job, targets] of Object.entries(targetsOf(plan)))
    await writeFile(join(directory, 'targets', `${job}.json`), JSON.stringify(targets, null, 2));
  await copyAuthority(plan, directory);
  const token = join(directory, 'supervisor-token');
  await writeFile(token, supervisorToken(), { mode: 0o600 });
  await chmod(token, 0o600);
  if (runAs) await chown(token, runAs.uid, runAs.gid);
  const config = join(directory, 'prometheus.yml');
  await copyFile(join(SOURCE, 'prometheus.yml'), config);
  return config;
}

/** By job: what Prometheus reads of `file_sd_configs`. The lab's name of a part is its `instance`. */
export function targetsOf(plan: NativePlan) {
  const target = (instance: string, host: string, port: number, scheme = 'http') => ({
    targets: [`${host}:${port}`],
    labels: { instance, __scheme__: scheme },
  });
  const monitor = (name: MonitorName) => {
    const { host, port } = monitorAddress(plan, name);
    return target(name, host, port, schemeOfMonitor(plan, name));
  };
  return {
    api: API_NAMES.map((name) => target(name, apiHost(plan, name), API_PORT, schemeOf(plan, 'api'))),
    supervisor: supervisorNames(plan).map((name) =>
      target(name, supervisorHost(plan, name), SUPERVISOR_PORT, schemeOf(plan, 'supervisors')),
    ),
    haproxy: [target('haproxy', '127.0.0.1', plan.statsPort)],
    prometheus: [monitor(PROMETHEUS)],
    alertmanager: [monitor(ALERTMANAGER)],
    lab: [monitor(LAB_EXPORTER)],
  };
}

/** Whether Prometheus has asked each of these parts since its start, and all have answered; of its answer to /api/v1/targets. */
export function haveAllAnswered(targets: unknown, plan: NativePlan): boolean {
  const { data } = (targets ?? {}) as { data?: { activeTargets?: readonly { health: string }[] } };
  const asked = data?.activeTargets ?? [];
  // Alertmanager is told, and not asked.
  const { alertmanager: _, ...askedJobs } = targetsOf(plan);
  const wanted = Object.values(askedJobs).flat().length;
  return asked.length === wanted && asked.every(({ health }) => health === 'up');
}

/** With what those are verified who are asked, or told. */
async function copyAuthority({ certificates }: NativePlan, directory: string): Promise<void> {
  if (certificates !== null) await copyFile(caFile(certificates), join(directory, CA));
}

/** Alertmanager reads no environment, so what differs is put into its file. */
async function writeAlertmanager(plan: NativePlan, directory: string): Promise<string> {
  const template = await readFile(join(SOURCE, 'alertmanager.yml'), 'utf8');
  const config = join(directory, 'alertmanager.yml');
  const text = template
    .replaceAll('SMTP_HOST', mailHost(plan))
    .replaceAll('SMTP_TLS', String(plan.https.includes('notices')))
    .replaceAll('WEBHOOK_URL', webhookUrl(plan));
  await copyAuthority(plan, directory);
  await writeFile(config, text);
  return config;
}
