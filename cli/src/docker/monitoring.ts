import {
  ALERTMANAGER,
  GRAFANA,
  LAB_EXPORTER,
  MONITOR_PORTS,
  MONITORING,
  PROMETHEUS,
} from '@replication-lab/monitoring';
import type { LabState } from '../state.ts';

/** What the profile `monitoring` of docker-compose.yml adds, by the names of the services. */
const MONITORS: readonly string[] = [ALERTMANAGER, LAB_EXPORTER, PROMETHEUS, GRAFANA];

export const hasMonitoring = ({ with: parts }: Pick<LabState, 'with'>): boolean => parts.includes(MONITORING);

export const dockerMonitors = (lab: Pick<LabState, 'with'>): readonly string[] =>
  hasMonitoring(lab) ? MONITORS : [];

/** Where each says that it is ready, on the databases' network; null for what is no part of monitoring. */
export function readyUrl(service: string): string | null {
  switch (service) {
    case GRAFANA:
      return `http://${GRAFANA}:3000/api/health`;
    case LAB_EXPORTER:
      return `https://${LAB_EXPORTER}:${MONITOR_PORTS[LAB_EXPORTER]}/-/ready`;
    case PROMETHEUS:
    case ALERTMANAGER:
      return `http://${service}:${MONITOR_PORTS[service]}/-/ready`;
    default:
      return null;
  }
}

/** For people. */
export const monitoringUrls = (
  lab: Pick<LabState, 'with' | 'monitoringPorts'>,
): Readonly<Record<string, string>> =>
  hasMonitoring(lab)
    ? Object.fromEntries(
        Object.entries(lab.monitoringPorts).map(([name, port]) => [name, `http://127.0.0.1:${port}/`]),
      )
    : {};
