import type { NodeProbe } from '@replication-lab/engines';

/** What a node can be told to do with its database server. */
export const ORDER_NAMES = ['initialise', 'copy', 'restart', 'rebuild'] as const;
export type OrderName = (typeof ORDER_NAMES)[number];

export interface Order {
  readonly id: string;
  readonly order: OrderName;
  /** HOST:PORT of the node to copy (`copy`, `rebuild`), or of the primary that the order is for the sake of (`restart`). */
  readonly source: string | null;
}

export type OrderResult = 'pending' | 'running' | 'done' | 'failed';

/** What the one who runs the server last said. He cannot say that he was killed: whether the database answers is another question. */
export interface BootStatus {
  /** See infra/boot/lib.sh and `readiness`. */
  readonly phase: string;
  /** The order taken last; empty when none since the start. */
  readonly order: string;
  readonly result: string;
  readonly message: string;
}

/** Where orders are handed in: to the boot script of a container, or to a launcher of plain processes. */
export interface OrderDesk {
  /** Null before whoever runs the server has started for the first time. */
  status(): Promise<BootStatus | null>;
  /** Hands an order in, without waiting for it. False while another one waits or is being carried out. */
  give(order: Order): Promise<boolean>;
  /** How far the order is; null when nobody knows it (any more). `done`: the server process was started (again). */
  result(id: string): Promise<{ readonly result: OrderResult; readonly message: string } | null>;
}

/** What an order to end a server claims, and what is so. */
export interface OrderEvidence {
  /** The reign in which the order was given. */
  readonly epoch: number;
  readonly source: { readonly name: string; readonly host: string };
  /** A person has given up what only this node holds, and the source waits, closed, for a node that confirms. */
  readonly isGivenUp?: boolean;
  /** What the source says of itself now; null when it does not answer. */
  readonly sourceProbe: NodeProbe | null;
  /** What this node says of itself now; null when it does not answer. */
  readonly ownProbe: NodeProbe | null;
}

/**
 * Whether this node's server may be ended for the sake of `source`; if not, why. The order may come late, from a supervisor
 * that was frozen since: so it counts only while the reign lasts in which it was given, and never against a node that is the
 * primary of that reign or of a later one, or that does what the order wants it to do.
 *
 * A node that was given up obeys a primary that is closed yet, too; but never while it is open itself, whatever its reign.
 */
export function judgeOrder(evidence: OrderEvidence): string | null {
  const { epoch, source, sourceProbe, ownProbe, isGivenUp = false } = evidence;
  if (!sourceProbe) return `${source.name} does not answer`;
  const reigns = isOpenPrimary(sourceProbe) || (isGivenUp && sourceProbe.source === null);
  if (!reigns) return `${source.name} is no open primary`;
  if (sourceProbe.epoch !== epoch) {
    return `${source.name} is the primary of epoch ${sourceProbe.epoch}, not of ${epoch}`;
  }
  if (!ownProbe) return null;
  // What is open may be acknowledging still: whoever gave it up was wrong.
  if (isOpenPrimary(ownProbe) && (isGivenUp || ownProbe.epoch >= epoch)) {
    return `this node is the open primary of epoch ${ownProbe.epoch}`;
  }
  if (ownProbe.replicating && ownProbe.source === source.host) {
    return `this node replicates from ${source.name}`;
  }
  return null;
}

const isOpenPrimary = (probe: NodeProbe): boolean => probe.role === 'primary' && !probe.readOnly;
