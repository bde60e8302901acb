/**
 * What the speed-up should be, from measured demands (the single-master model of Elnikety et al., EuroSys 2009): each
 * replica serves its part of the reads and applies every write; the primary alone serves writes.
 */
export interface Demands {
  /** CPU of a database per read, in ms. */
  readonly readMs: number;
  /** CPU of the primary per write, in ms. */
  readonly writeMs: number;
}

export interface Prediction {
  /** Speed-up of reads if applying a write cost a replica as much as executing it cost the primary. */
  readonly low: number;
  /** Speed-up of reads if applying cost nothing. */
  readonly high: number;
}

/** CPU used by the serving nodes and work done, in the same window. */
export interface Work {
  readonly cpus: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}

/**
 * Demands by the utilisation law U = X·D. The replicated primary serves writes only, which gives the demand of a write;
 * taken out of the single node's work, the rest is the demand of the reads.
 */
export function demandsOf(single: Work, replicatedPrimary: Omit<Work, 'readsPerSecond'>): Demands | null {
  if (single.readsPerSecond <= 0 || replicatedPrimary.writesPerSecond <= 0) return null;
  const writeMs = (1000 * replicatedPrimary.cpus) / replicatedPrimary.writesPerSecond;
  const readMs = (1000 * single.cpus - writeMs * single.writesPerSecond) / single.readsPerSecond;
  return readMs > 0 ? { readMs, writeMs } : null;
}

/** @param writeShare share of writes among all requests, below 1 */
export function predictSpeedUp(demands: Demands, writeShare: number, replicas: number): Prediction {
  const writesPerRead = writeShare / (1 - writeShare);
  const single = demands.readMs + writesPerRead * demands.writeMs;
  const withApply = (applyMs: number) => single / (demands.readMs / replicas + writesPerRead * applyMs);
  return { low: withApply(demands.writeMs), high: withApply(0) };
}
