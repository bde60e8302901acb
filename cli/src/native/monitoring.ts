import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { caFile } from '@replication-lab/certificates';
import { HAPROXY } from '@replication-lab/engines/config';
import {
  ALERTMANAGER,
  KEEP,
  LAB_EXPORTER,
  MONITOR_PORTS,
  MONITORING,
  type MonitorName,
  PROMETHEUS,
  targetsAt,
  writeAlertmanager,
  writePrometheus,
} from '@replication-lab/monitoring';
import { LabError } from '../errors.ts';
import { repositoryRoot } from '../paths.ts';
import type { HttpsPart, LabState } from '../state.ts';
import {
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

/** Debian's name of the program, by ours. */
const PROGRAMS = { [PROMETHEUS]: 'prometheus', [ALERTMANAGER]: 'prometheus-alertmanager' } as const;

/** The last number of its address. */
const LAST = { [PROMETHEUS]: 1, [ALERTMANAGER]: 2, [LAB_EXPORTER]: 3 } as const satisfies Record<
  MonitorName,
  number
>;

type Where = Pick<NativePlan, 'loopback'>;

export const isMonitor = (name: string): name is MonitorName => name in LAST;

/** What is started for it, in this order. */
export const monitorNames = ({ with: parts }: Pick<LabState, 'with'>): readonly MonitorName[] =>
  parts.includes(MONITORING) ? [ALERTMANAGER, LAB_EXPORTER, PROMETHEUS] : [];

export const monitorAddress = ({ loopback }: Where, name: MonitorName) => ({
  host: `${loopback}.50.${LAST[name]}`,
  port: MONITOR_PORTS[name],
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
          `--config.file=${await writePrometheus({ ...written(plan, directory), ...asked(plan), owner: runAs })}`,
          `--storage.tsdb.path=${data}`,
          ...KEEP,
        ]
      : // The only one of its kind looks for no others.
        [
          `--config.file=${await writeAlertmanager({ ...written(plan, directory), ...told(plan) })}`,
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

const written = ({ certificates }: NativePlan, directory: string) => ({
  source: SOURCE,
  directory,
  caFile: certificates === null ? null : caFile(certificates),
});

const asked = (plan: NativePlan) => ({ site: siteOf(plan), supervisorToken: supervisorToken() });

const told = (plan: NativePlan) => ({
  mailHost: mailHost(plan),
  mailTls: plan.https.includes('notices'),
  webhookUrl: webhookUrl(plan),
});

function siteOf(plan: NativePlan) {
  const supervisors = supervisorNames(plan);
  return {
    host: (part: string): string => {
      if (isMonitor(part)) return monitorAddress(plan, part).host;
      if (part === HAPROXY) return '127.0.0.1';
      return supervisors.includes(part) ? supervisorHost(plan, part) : apiHost(plan, part);
    },
    speaksTls: (part: HttpsPart) => schemeOf(plan, part) === 'https',
    supervisors,
    haproxyPort: plan.statsPort,
  };
}

export const targetsOf = (plan: NativePlan) => targetsAt(siteOf(plan));

/** Whether Prometheus has asked each of these parts since its start, and all have answered; of its answer to /api/v1/targets. */
export function haveAllAnswered(targets: unknown, plan: NativePlan): boolean {
  const { data } = (targets ?? {}) as { data?: { activeTargets?: readonly { health: string }[] } };
  const asked = data?.activeTargets ?? [];
  // Alertmanager is told, and not asked.
  const { alertmanager: _, ...askedJobs } = targetsOf(plan);
  const wanted = Object.values(askedJobs).flat().length;
  return asked.length === wanted && asked.every(({ health }) => health === 'up');
}
