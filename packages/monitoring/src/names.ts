/** What `--with monitoring` adds to a lab, whatever its processes live in. */
export const MONITORING = 'monitoring';

export const PROMETHEUS = 'prometheus';
export const ALERTMANAGER = 'alertmanager';
/** What no part of the lab measures of itself: see figures.ts. */
export const LAB_EXPORTER = 'lab-exporter';
/** In Docker only: Debian does not have it. */
export const GRAFANA = 'grafana';

export type MonitorName = typeof PROMETHEUS | typeof ALERTMANAGER | typeof LAB_EXPORTER;

/** Where each listens. */
export const MONITOR_PORTS: Readonly<Record<MonitorName, number>> = {
  [PROMETHEUS]: 9090,
  [ALERTMANAGER]: 9093,
  [LAB_EXPORTER]: 9100,
};
