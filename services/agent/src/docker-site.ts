import { PROMETHEUS, type Site } from '@replication-lab/monitoring';

/** Where HAProxy's figures are: STATS_BIND of docker-compose.yml. */
const STATS_PORT = 8404;

/** A docker lab as its Prometheus sees it: by the names of the services. */
export const dockerSite = (prometheusAddress: string, supervisors: readonly string[]): Site => ({
  // It is on two networks, and listens on one: its own name would be the address of either.
  host: (part) => (part === PROMETHEUS ? prometheusAddress : part),
  speaksTls: () => true,
  supervisors,
  haproxyPort: STATS_PORT,
});
