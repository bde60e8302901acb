import { chmod, chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TLS_FILES } from '@replication-lab/engines/names';
import { type Site, targetsAt } from './targets.ts';

/** Writes for Prometheus and Alertmanager what they read, from infra/monitoring and from where the parts of this lab are. */

/** What was measured is kept for a day, and no more than this. In docker-compose.yml too. */
export const KEEP = ['--storage.tsdb.retention.time=1d', '--storage.tsdb.retention.size=512MB'] as const;

const RULES = ['recording.yml', 'alerts.yml'];
const NOBODY_ELSE = 0o600;

interface Written {
  /** infra/monitoring. */
  readonly source: string;
  /** Where it is written to; made when it is not there. */
  readonly directory: string;
  /** The authority's certificate, by which the others are verified; null: nobody speaks TLS. */
  readonly caFile: string | null;
}

export interface PrometheusConfiguration extends Written {
  readonly site: Site;
  readonly supervisorToken: string;
  /** Who is to read the token; null: whoever writes it. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** Returns the path of its configuration file. Each file is replaced whole: a Prometheus that runs reads targets anew. */
export async function writePrometheus(wanted: PrometheusConfiguration): Promise<string> {
  const { source, directory, site, supervisorToken, owner } = wanted;
  for (const folder of ['targets', 'rules']) await mkdir(join(directory, folder), { recursive: true });
  const copy = async (path: string) =>
    replace(join(directory, path), await readFile(join(source, path), 'utf8'));
  for (const rules of RULES) await copy(join('rules', rules));
  for (const [job, targets] of Object.entries(targetsAt(site)))
    await replace(join(directory, 'targets', `${job}.json`), JSON.stringify(targets, null, 2));
  await copyAuthority(wanted);
  await replace(join(directory, 'supervisor-token'), supervisorToken, { mode: NOBODY_ELSE, owner });
  await copy('prometheus.yml');
  return join(directory, 'prometheus.yml');
}

export interface AlertRoute extends Written {
  /** Where mail is taken: HOST:PORT. */
  readonly mailHost: string;
  readonly mailTls: boolean;
  readonly webhookUrl: string;
}

/** Returns the path of its configuration file. It reads no environment, so what differs is put into the file. */
export async function writeAlertmanager(wanted: AlertRoute): Promise<string> {
  const { source, directory, mailHost, mailTls, webhookUrl } = wanted;
  await mkdir(directory, { recursive: true });
  const text = (await readFile(join(source, 'alertmanager.yml'), 'utf8'))
    .replaceAll('SMTP_HOST', mailHost)
    .replaceAll('SMTP_TLS', String(mailTls))
    .replaceAll('WEBHOOK_URL', webhookUrl);
  await copyAuthority(wanted);
  const file = join(directory, 'alertmanager.yml');
  await replace(file, text);
  return file;
}

async function copyAuthority({ directory, caFile }: Written): Promise<void> {
  if (caFile !== null) await replace(join(directory, TLS_FILES.ca), await readFile(caFile, 'utf8'));
}

interface Rights {
  readonly mode?: number;
  readonly owner?: PrometheusConfiguration['owner'];
}

/** Whole or not at all, for whoever reads it meanwhile. */
async function replace(path: string, text: string, { mode = 0o644, owner }: Rights = {}): Promise<void> {
  const half = `${path}.new`;
  await writeFile(half, text, { mode });
  await chmod(half, mode); // what was there keeps its own
  if (owner) await chown(half, owner.uid, owner.gid);
  await rename(half, path);
}
