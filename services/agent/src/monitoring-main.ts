import { join } from 'node:path';
import { CA } from '@replication-lab/certificates';
import {
  CATCHER,
  CATCHER_SMTP_PORT,
  CATCHER_TLS_PORT,
  DEFAULT_DURABILITY,
  DEFAULT_SUPERVISOR_TOKEN,
  DURABILITIES,
  readEnvironment,
  supervisorNames,
  TOPOLOGIES,
} from '@replication-lab/engines/config';
import { ALERTMANAGER, PROMETHEUS, writeAlertmanager, writePrometheus } from '@replication-lab/monitoring';
import { z } from 'zod';
import { dockerSite } from './docker-site.ts';

/** What the one-shot `monitoring` reads from its environment. */
const monitoringEnvironment = z.object({
  /** infra/monitoring. */
  MONITORING_SOURCE: z.string().min(1),
  /** Below it are a folder for Prometheus and one for Alertmanager, each a volume of its own. */
  MONITORING_DIR: z.string().min(1),
  /** With the authority's certificate. */
  TLS_DIR: z.string().min(1),
  PROMETHEUS_ADDRESS: z.string().min(1),
  DURABILITY: z.enum(DURABILITIES).default(DEFAULT_DURABILITY),
  TOPOLOGY: z.enum(TOPOLOGIES).default('replicated'),
  SUPERVISOR_TOKEN: z.string().min(1).default(DEFAULT_SUPERVISOR_TOKEN),
});

/** The one-shot `monitoring` of docker-compose.yml: writes down whom Prometheus asks and whom Alertmanager tells. */
async function main(): Promise<void> {
  const env = readEnvironment(monitoringEnvironment);
  const lab = { topology: env.TOPOLOGY, durability: env.DURABILITY };
  const from = { source: env.MONITORING_SOURCE, caFile: join(env.TLS_DIR, CA) };
  const prometheus = await writePrometheus({
    ...{ ...from, directory: join(env.MONITORING_DIR, PROMETHEUS) },
    site: dockerSite(env.PROMETHEUS_ADDRESS, supervisorNames(lab)),
    supervisorToken: env.SUPERVISOR_TOKEN,
    // It runs as the user of both images.
    owner: null,
  });
  const alertmanager = await writeAlertmanager({
    ...{ ...from, directory: join(env.MONITORING_DIR, ALERTMANAGER) },
    ...{ mailHost: `${CATCHER}:${CATCHER_SMTP_PORT}`, mailTls: true },
    webhookUrl: `https://${CATCHER}:${CATCHER_TLS_PORT}/notices`,
  });
  console.log(`monitoring: wrote ${prometheus} and ${alertmanager}`);
}

await main();
