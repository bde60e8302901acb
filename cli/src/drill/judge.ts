import type { Operation, Read, Write } from './load.ts';

/** One node's tables after the trial: the rows of this trial, and the reigns. */
export interface NodeTables {
  readonly node: string;
  /** Row version by unique address. */
  readonly versions: ReadonlyMap<string, number>;
  readonly reigns: readonly { readonly epoch: number; readonly node: string }[];
}

export interface Audit {
  readonly ackedWrites: number;
  readonly failedWrites: number;
  readonly unknownWrites: number;
  readonly lostWrites: number;
  readonly duplicates: number;
  readonly refusedButDone: number;
}

/**
 * What the tables of every node say of what the clients were told. A created row has to be on all nodes when it was
 * acknowledged, and on none when it was refused. A row that was changed again and again has as many versions as changes
 * were acknowledged, and at most as many more as are unknown. While nodes have not `converged`, a row that one of them has is
 * not lost yet.
 */
export function audit(writes: readonly Write[], tables: readonly NodeTables[], converged = true): Audit {
  const count = (outcome: Operation['outcome'], of = writes) =>
    of.filter((write) => write.outcome === outcome).length;
  const creates = writes.filter(({ kind }) => kind === 'create');
  const onAll = ({ email }: Write) => tables.every(({ versions }) => versions.has(email));
  const onAny = ({ email }: Write) => tables.some(({ versions }) => versions.has(email));
  const isKept = converged ? onAll : onAny;
  let lostWrites = creates.filter((write) => write.outcome === 'ok' && !isKept(write)).length;
  let duplicates = creates.filter(({ existed }) => existed).length;
  const refusedButDone = creates.filter(
    (write) => write.outcome === 'failed' && !write.existed && onAny(write),
  ).length;
  for (const [email, changes] of byEmail(writes.filter(({ kind }) => kind === 'update'))) {
    const acked = count('ok', changes);
    const most = acked + count('unknown', changes);
    const done = tables.map(({ versions }) => (versions.get(email) ?? 0) - 1);
    lostWrites += Math.max(0, acked - (converged ? Math.min(...done) : Math.max(...done)));
    duplicates += Math.max(0, Math.max(...done) - most);
  }
  return {
    ackedWrites: count('ok'),
    failedWrites: count('failed'),
    unknownWrites: count('unknown'),
    lostWrites,
    duplicates,
    refusedButDone,
  };
}

function byEmail(writes: readonly Write[]): Map<string, Write[]> {
  return Map.groupBy(writes, ({ email }) => email);
}

/**
 * Acknowledgements of a reign that was over: sent after a newer reign had acknowledged something. The node that answered
 * names its reigns; of several, the oldest that can still have been in force is taken.
 */
export function doubleAcknowledgements(
  writes: readonly Write[],
  reigns: NodeTables['reigns'],
): { readonly count: number; readonly epochOf: ReadonlyMap<Write, number> } {
  const acked = writes.filter(({ outcome }) => outcome === 'ok').sort((a, b) => a.endedMs - b.endedMs);
  const firstAckMs = new Map<number, number>();
  const epochOf = new Map<Write, number>();
  let count = 0;
  for (const write of acked) {
    const over = Math.max(
      0,
      ...[...firstAckMs].filter(([, endedMs]) => endedMs < write.sentMs).map(([epoch]) => epoch),
    );
    const own = reigns.filter(({ node }) => node === write.node).map(({ epoch }) => epoch);
    const epoch = Math.min(...own.filter((candidate) => candidate >= over));
    if (!Number.isFinite(epoch)) {
      count++;
      continue;
    }
    epochOf.set(write, epoch);
    if (!firstAckMs.has(epoch)) firstAckMs.set(epoch, write.endedMs);
  }
  return { count, epochOf };
}

/** The longest time without a success between `fromMs` and `toMs`, the ends included. */
export function longestGapMs(
  operations: readonly Pick<Operation, 'outcome' | 'endedMs'>[],
  fromMs: number,
  toMs: number,
): number {
  const times = operations
    .filter(({ outcome, endedMs }) => outcome === 'ok' && endedMs <= toMs)
    .map(({ endedMs }) => endedMs)
    .sort((a, b) => a - b);
  // The last success before the fault: what came after it was already missing.
  let last = times.findLast((ms) => ms <= fromMs) ?? fromMs;
  let longest = 0;
  for (const ms of times) {
    if (ms <= fromMs) continue;
    longest = Math.max(longest, ms - last);
    last = ms;
  }
  return Math.max(longest, toMs - last);
}

/** What went wrong among the reads. */
export function judgeReads(reads: readonly Read[]): { readErrors: number; sessionViolations: number } {
  const violations = reads.filter(({ violation }) => violation).length;
  return {
    readErrors: reads.filter(({ outcome }) => outcome !== 'ok').length - violations,
    sessionViolations: violations,
  };
}

/** How often each answer came that was not as wished. */
export function answersOf(writes: readonly Write[], reads: readonly Read[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  for (const { kind, outcome, detail } of writes) if (outcome !== 'ok') count(`${kind} ${detail}`.trim());
  for (const { level, outcome, detail } of reads)
    if (outcome !== 'ok') count(`${level} read ${detail}`.trim());
  return counts;
}
