import { common } from './environment.ts';

/** For k6's `handleSummary`: all of the summary's data as JSON in OUT_DIR, and one line on the terminal. */
export function summaryFiles(data: SummaryData): Record<string, string> {
  const { iterations, dropped_iterations: dropped, http_req_failed: failed } = data.metrics;
  const line = [
    `${iterations?.values.count ?? 0} iterations`,
    `${dropped?.values.count ?? 0} dropped`,
    `${((failed?.values.rate ?? 0) * 100).toFixed(2)} % of requests failed`,
  ].join(', ');
  const files: Record<string, string> = { stdout: `${line}\n` };
  if (common.outDir !== null) files[`${common.outDir}/summary.json`] = JSON.stringify(data, null, 2);
  return files;
}

/** The part of k6's summary data that is used here. */
export interface SummaryData {
  readonly metrics: Readonly<
    Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>
  >;
}
