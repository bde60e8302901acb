import type { Endpoint, NodeProbe, Position, PositionOps } from '../types.ts';
import type { BootstrapErrorCode } from './errors.ts';

/** What one node said, or did not. */
export type Observation =
  | { readonly node: string; readonly state: 'silent'; readonly why: string }
  /** Its host answers and says that there is no data yet (postgres before its first copy). */
  | { readonly node: string; readonly state: 'empty' }
  | {
      readonly node: string;
      readonly state: 'up';
      readonly pristine: boolean;
      /** The marker row is there: the first start came to its end. */
      readonly finished: boolean;
      /** All that the node holds, applied or only received (`EngineAdmin.held`). */
      readonly held: Position;
      readonly probe: Pick<NodeProbe, 'readOnly' | 'epoch' | 'replicating' | 'source'>;
    };
type Up = Extract<Observation, { state: 'up' }>;

/** What becomes of the nodes beside the primary. */
export interface Followers {
  /** Open nodes of an older reign: closed first. */
  readonly close: readonly string[];
  readonly attach: readonly { readonly node: string; readonly copy: boolean }[];
  /** Already following the primary. */
  readonly following: readonly string[];
  /** They hold writes that the primary lacks: left closed. */
  readonly diverged: readonly string[];
  readonly silent: readonly string[];
}

export type BootstrapPlan =
  | ({
      /** `start`: the very first time. `keep`: a primary is open. `reopen`: all are closed, and one has the newest history. */
      readonly kind: 'start' | 'keep' | 'reopen';
      readonly primary: string;
      /** The primary's host has no data: it has to be initialised first. */
      readonly initialise: boolean;
      /** The reign that this run begins, or for `keep` the one that goes on. */
      readonly epoch: number;
      /** Schema, accounts and marker are not all there. */
      readonly finish: boolean;
    } & Followers)
  | { readonly kind: 'refuse'; readonly code: BootstrapErrorCode; readonly message: string };

export interface DecideContext {
  readonly nodes: readonly Endpoint[];
  readonly positions: PositionOps;
  /** A fresh replica begins as a copy of the primary. */
  readonly replicaNeedsCopy: boolean;
}

/** What bootstrap should do about a lab in this state. Never opens a node merely because it was the first to answer. */
export function decideBootstrap(observations: readonly Observation[], context: DecideContext): BootstrapPlan {
  const up = observations.filter((o) => o.state === 'up');
  const withHistory = up.filter((o) => !o.pristine);
  if (withHistory.length === 0) return startFresh(observations, context);

  const epoch = Math.max(...up.map((o) => o.probe.epoch));
  const open = withHistory.filter((o) => !o.probe.readOnly && o.probe.epoch === epoch);
  if (open.length > 1) {
    return refuse(
      'two-primaries',
      `${names(open)} are all open in epoch ${epoch}. Close all but the right one.`,
    );
  }
  const [primary] = open;
  if (primary) return lead('keep', primary, epoch, observations, context);

  // A pristine node remembers nothing, so it cannot vouch for the others, unless there are no others to ask.
  const majority = Math.floor(observations.length / 2) + 1;
  const silent = observations.filter((o) => o.state === 'silent');
  if (silent.length > 0 && withHistory.length < majority) return tooFew(observations, majority);
  const chosen = newest(
    withHistory.filter((o) => o.probe.epoch === epoch),
    context,
  );
  return chosen
    ? lead('reopen', chosen, epoch + 1, observations, context)
    : refuse(
        'histories-differ',
        `of ${names(withHistory)} none holds all that the others hold, so opening one would drop acknowledged writes. ` +
          'Choose by hand which one to keep and remove the data of the others.',
      );
}

function startFresh(observations: readonly Observation[], context: DecideContext): BootstrapPlan {
  const silent = observations.filter((o) => o.state === 'silent');
  if (silent.length > 0) return tooFew(observations, observations.length);
  const isOpen = (o: Observation) => o.state === 'up' && !o.probe.readOnly;
  const ready = (o: Observation) => o.state === 'up';
  // A first start that was cut short has opened one already. Else the first that has a data directory.
  const primary = observations.find(isOpen) ?? observations.find(ready) ?? observations[0];
  if (!primary) return refuse('too-few-nodes', 'there are no nodes');
  const others = observations.filter((o) => o !== primary);
  return {
    kind: 'start',
    primary: primary.node,
    initialise: primary.state === 'empty',
    epoch: 1,
    finish: true,
    close: others.filter(isOpen).map((o) => o.node),
    attach: others.map((o) => ({ node: o.node, copy: context.replicaNeedsCopy })),
    following: [],
    diverged: [],
    silent: [],
  };
}

function lead(
  kind: 'keep' | 'reopen',
  primary: Up,
  epoch: number,
  observations: readonly Observation[],
  context: DecideContext,
): BootstrapPlan {
  const host = context.nodes.find(({ name }) => name === primary.node)?.host;
  const followers = { close: [], attach: [], following: [], diverged: [], silent: [] } as {
    [K in keyof Followers]: Followers[K][number][];
  };
  for (const o of observations) {
    if (o === primary) continue;
    if (o.state === 'silent') followers.silent.push(o.node);
    else if (o.state === 'empty') followers.attach.push({ node: o.node, copy: true });
    else {
      if (!o.probe.readOnly) followers.close.push(o.node);
      if (o.pristine) followers.attach.push({ node: o.node, copy: context.replicaNeedsCopy });
      else if (o.probe.source === host && o.probe.replicating && o.probe.readOnly)
        followers.following.push(o.node);
      else if (!context.positions.covers(primary.held, o.held)) followers.diverged.push(o.node);
      else followers.attach.push({ node: o.node, copy: false });
    }
  }
  // Opened, and cut short before its first epoch row: the reign that goes on has still to be written down.
  return {
    kind,
    primary: primary.node,
    initialise: false,
    epoch: Math.max(epoch, 1),
    finish: !primary.finished,
    ...followers,
  };
}

/**
 * The one that holds all that the others hold. Between equals the one that follows nobody, which was the last primary;
 * then the others need not be turned round.
 */
function newest(candidates: readonly Up[], { positions }: DecideContext): Up | null {
  const best = candidates.filter((a) => candidates.every((b) => positions.covers(a.held, b.held)));
  return best.find((o) => o.probe.source === null) ?? best[0] ?? null;
}

function tooFew(observations: readonly Observation[], needed: number): BootstrapPlan {
  const answered = observations.filter((o) => o.state !== 'silent');
  const silent = observations.filter((o) => o.state === 'silent').map((o) => `${o.node}: ${o.why}`);
  return refuse(
    'too-few-nodes',
    `${answered.length} of ${observations.length} nodes answer (${names(answered) || 'none'}), and at least ${needed} with ` +
      `data must, to know which one is the newest. Start the missing ones. ${silent.join('; ')}`,
  );
}

const names = (observations: readonly Observation[]) => observations.map((o) => o.node).join(', ');

function refuse(code: BootstrapErrorCode, message: string): BootstrapPlan {
  return { kind: 'refuse', code, message };
}
