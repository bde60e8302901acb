import { API_NAMES, API_PORT, HAPROXY, SUPERVISOR_PORT } from '@replication-lab/engines/names';
import { ALERTMANAGER, LAB_EXPORTER, MONITOR_PORTS, type MonitorName, PROMETHEUS } from './names.ts';

/** Where the parts of a lab are, as Prometheus calls them: all in which the runtimes differ. */
export interface Site {
  /** The name or the address of a part; with `PROMETHEUS` as well. */
  host(part: string): string;
  /** Whether these answer over HTTPS. */
  speaksTls(part: 'api' | 'supervisors' | 'exporter'): boolean;
  /** Empty where nobody is to be promoted. */
  readonly supervisors: readonly string[];
  /** Where HAProxy's figures are. */
  readonly haproxyPort: number;
}

/** What Prometheus reads of `file_sd_configs`. The lab's name of a part is its `instance`. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: { readonly instance: string; readonly __scheme__: 'http' | 'https' };
}

/** By job of infra/monitoring/prometheus.yml: whom Prometheus asks, and (`alertmanager`) tells. */
export function targetsAt({ host, speaksTls, supervisors, haproxyPort }: Site) {
  const target = (instance: string, port: number, tls = false): TargetGroup => ({
    targets: [`${host(instance)}:${port}`],
    labels: { instance, __scheme__: tls ? 'https' : 'http' },
  });
  const monitor = (name: MonitorName, tls = false) => target(name, MONITOR_PORTS[name], tls);
  return {
    api: API_NAMES.map((name) => target(name, API_PORT, speaksTls('api'))),
    supervisor: supervisors.map((name) => target(name, SUPERVISOR_PORT, speaksTls('supervisors'))),
    haproxy: [target(HAPROXY, haproxyPort)],
    // People look at these two with a browser.
    prometheus: [monitor(PROMETHEUS)],
    alertmanager: [monitor(ALERTMANAGER)],
    lab: [monitor(LAB_EXPORTER, speaksTls('exporter'))],
  };
}
