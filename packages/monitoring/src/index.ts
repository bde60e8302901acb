export {
  type AlertRoute,
  KEEP,
  type PrometheusConfiguration,
  writeAlertmanager,
  writePrometheus,
} from './configuration.ts';
export { type ExporterOptions, METRICS_PATH, startExporter } from './exporter.ts';
export { type LabFigures, readDisk, renderFigures } from './figures.ts';
export * from './names.ts';
export { type Site, type TargetGroup, targetsAt } from './targets.ts';
