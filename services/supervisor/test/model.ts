import type { NodeState, Position } from '@replication-lab/engines';
import { replicationUser } from '@replication-lab/engines/config';
import { newOverride, whyNoOverride } from '../src/core/override.ts';
import { stepFailover } from '../src/core/step.ts';
import { newWish, whyNoSwitchover } from '../src/core/switchover.ts';
import {
  type Action,
  initialState,
  LIMITS,
  type NodeReport,
  type Step,
  type StepContext,
  type SupervisorState,
} from '../src/core/types.ts';

/** Milliseconds of one turn of the model. */
export const TURN_MS = 10;
const ASK_EVERY_MS = 50;
/** The server ends a channel that has been silent for so long. */
const CHANNEL_IDLE_MS = 2_000;
const NAMES = ['db-1', 'db-2', 'db-3'] as const;
type Name = (typeof NAMES)[number];

/** A commit: its own name, and the commit before it. Histories are branches of one tree. */
interface Commit {
  readonly id: number;
  readonly before: number;
  readonly reign: { readonly epoch: number; readonly node: Name } | null;
}

/** What one database is and does, as far as failover is concerned. */
class ModelNode {
  readonly name: Name;
  up = true;
  frozen = false;
  /** Since when its disk takes nothing: it answers, and writes nothing. */
  stalledSinceMs: number | null = null;
  boots = 1;
  /** Its data was made so often. */
  datas = 1;
  isEmpty = false;
  forgetsReceived = false;
  head = 0;
  /** Received and not yet applied: `applied` trails `head`. */
  applied = 0;
  source: Name | null = null;
  promoted = false;
  open = false;
  armed = false;
  voters: readonly Name[] = [];
  linkedSinceTurn: number | null = null;
  /** How likely it receives something in a turn: replicas fall behind, each for itself. */
  pace = 0.7;
  sign = 0;
  /** Supervisor that holds the lock, and when it spoke last. */
  lock: { by: number; spokeAtMs: number } | null = null;

  constructor(name: Name) {
    this.name = name;
  }

  get alive(): boolean {
    return this.up && !this.frozen;
  }

  /** Its disk is lost: there is nothing to boot from until it is made anew. */
  wipe(): void {
    this.up = false;
    this.isEmpty = true;
    this.head = 0;
    this.applied = 0;
  }

  /** Whatever it was, it boots closed and follows nobody. */
  boot(): void {
    if (this.isEmpty) return;
    this.up = true;
    this.frozen = false;
    this.stalledSinceMs = null;
    if (this.forgetsReceived) this.head = this.applied;
    this.boots += 1;
    this.source = null;
    this.promoted = false;
    this.open = false;
    this.armed = false;
    this.voters = [];
    this.lock = null;
    this.linkedSinceTurn = null;
  }
}

interface ModelSupervisor {
  readonly by: number;
  state: SupervisorState;
  running: boolean;
  frozenUntilMs: number;
  readonly reports: Map<Name, NodeReport>;
  /** Orders on their way: they arrive later, and some never do. */
  orders: { readonly action: Action; readonly atMs: number }[];
  lastStepMs: number;
  last: Step | null;
}

/**
 * Three databases, their clients and two supervisors, turn by turn. It knows which commits were acknowledged, and throws as
 * soon as a node is opened to clients that lacks one of them.
 */
export class Model {
  readonly nodes = new Map<Name, ModelNode>(NAMES.map((name) => [name, new ModelNode(name)]));
  readonly supervisors: ModelSupervisor[];
  readonly acknowledged: number[] = [];
  promotions = 0;
  /** Promotions of a node that was wished for, after its predecessor had been closed for that. */
  switchovers = 0;
  /** Reigns that began by a person's order. */
  founded = 0;
  /** Acknowledged, and given up by such an order. */
  lostByOrder = 0;
  /** Times that a primary got its office again. */
  reopened = 0;
  /** Primaries that were taken for gray. */
  grays = 0;
  nowMs = 0;
  /** The newest reign that was opened to clients. */
  #opened = 1;
  /** The newest reign that has acknowledged something. */
  #ackedEpoch = 1;
  #foundedEpoch = 0;
  readonly #foundedEpochs = new Set<number>();
  #closedFor: { readonly to: string; readonly epoch: number } | null = null;
  readonly #reigns = new Map<number, NodeReport['reigns']>();
  readonly #commits = new Map<number, Commit>();
  readonly #random: () => number;
  readonly #waiting: { readonly id: number; readonly on: Name; readonly boot: number }[] = [];
  readonly #context: StepContext;

  /** `forgetsReceived`: a server that starts again has only what it had applied. */
  constructor(random: () => number, { forgetsReceived = false } = {}) {
    this.#random = random;
    for (const node of this.nodes.values()) node.forgetsReceived = forgetsReceived;
    this.#context = {
      endpoints: NAMES.map((name) => ({ name, host: name, port: 1 })),
      positions: { covers: (have, need) => this.#covers(Number(have), Number(need)) },
      limits: LIMITS,
      forgetsReceived,
      random,
    };
    const first = this.node('db-1');
    first.promoted = true;
    first.open = true;
    this.#append(first, { epoch: 1, node: 'db-1' });
    for (const name of ['db-2', 'db-3'] as const) {
      const replica = this.node(name);
      replica.head = first.head;
      replica.applied = first.head;
      replica.source = 'db-1';
    }
    this.supervisors = [1, 2].map((by) => ({
      by,
      state: initialState(0),
      running: true,
      frozenUntilMs: 0,
      reports: new Map(),
      orders: [],
      lastStepMs: 0,
      last: null,
    }));
  }

  node(name: string): ModelNode {
    return this.nodes.get(name as Name)!;
  }

  get primary(): ModelNode | null {
    const open = [...this.nodes.values()].filter((node) => node.open && node.alive);
    return open.sort((a, b) => this.#epochOf(b.head) - this.#epochOf(a.head))[0] ?? null;
  }

  turn(): void {
    this.nowMs += TURN_MS;
    for (const node of this.nodes.values()) if (node.open && node.alive) this.#write(node);
    for (const node of this.nodes.values()) this.#replicate(node);
    this.#acknowledge();
    for (const supervisor of this.supervisors) this.#supervise(supervisor);
  }

  #append(node: ModelNode, reign: Commit['reign'] = null): number {
    const id = this.#commits.size + 1;
    this.#commits.set(id, { id, before: node.head, reign });
    node.head = id;
    node.applied = id;
    return id;
  }

  /** A client's commit: acknowledged at once by a node that waits for nobody, else when a voter has it. */
  #write(node: ModelNode): void {
    if (node.stalledSinceMs !== null) return;
    this.#waiting.push({ id: this.#append(node), on: node.name, boot: node.boots });
  }

  #replicate(node: ModelNode): void {
    if (!node.alive) return;
    if (!node.promoted && this.#random() < 0.6) node.applied = node.head;
    if (node.source === null) return;
    const source = this.node(node.source);
    const fits = this.#covers(source.head, node.head);
    if (!source.alive || !fits) {
      if (!source.up || !fits) node.linkedSinceTurn = null; // a frozen source breaks no link at first
      return;
    }
    node.linkedSinceTurn ??= this.nowMs;
    if (this.#random() < 0.01) node.pace = this.#random() < 0.5 ? 0.02 : 0.7;
    if (this.#random() < node.pace) {
      node.head = source.head;
      node.sign += 1;
    }
  }

  #confirming(primary: ModelNode): Name[] {
    return NAMES.filter((name) => {
      const node = this.node(name);
      const attached = node.alive && node.source === primary.name && node.linkedSinceTurn !== null;
      return attached && primary.voters.includes(name) && this.#covers(primary.head, node.head);
    });
  }

  #acknowledge(): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const { id, on, boot } = this.#waiting[i]!;
      const node = this.node(on);
      if (!node.up || node.boots !== boot) {
        this.#waiting.splice(i, 1); // its client hears "unknown"
        continue;
      }
      if (node.frozen) continue;
      const confirmed =
        !node.armed || this.#confirming(node).some((name) => this.#covers(this.node(name).head, id));
      if (!confirmed) continue;
      const { epoch } = this.#reignOf(id)!;
      if (epoch < this.#ackedEpoch)
        throw new Error(`${on} acknowledges in epoch ${epoch}, after another one in ${this.#ackedEpoch}`);
      this.#ackedEpoch = epoch;
      // By a node that was given up and lives: the person was wrong, and this is lost.
      if (epoch < this.#foundedEpoch) this.lostByOrder += 1;
      else this.acknowledged.push(id);
      this.#waiting.splice(i, 1);
    }
  }

  #supervise(supervisor: ModelSupervisor): void {
    if (!supervisor.running || this.nowMs < supervisor.frozenUntilMs) return;
    const due = supervisor.orders.filter(({ atMs }) => atMs <= this.nowMs);
    supervisor.orders = supervisor.orders.filter(({ atMs }) => atMs > this.nowMs);
    for (const { action } of due) this.#obey(supervisor, action);
    for (const name of NAMES) this.#ask(supervisor, name);
    const nodes = NAMES.map((name) => supervisor.reports.get(name)!);
    const lateMs = Math.max(0, this.nowMs - supervisor.lastStepMs - TURN_MS);
    supervisor.lastStepMs = this.nowMs;
    const step = stepFailover(supervisor.state, { nodes, lateMs }, this.nowMs, this.#context);
    if (step.state.grayAtMs !== null && supervisor.state.grayAtMs === null) this.grays += 1;
    supervisor.state = step.state;
    supervisor.last = step;
    for (const action of step.actions) {
      const same = supervisor.orders.some((order) => JSON.stringify(order.action) === JSON.stringify(action));
      const lost = this.#random() < 0.05;
      if (!same && !lost) {
        supervisor.orders.push({ action, atMs: this.nowMs + Math.floor(this.#random() * 8) * TURN_MS });
      }
    }
  }

  #ask(supervisor: ModelSupervisor, name: Name): void {
    const node = this.node(name);
    const before = supervisor.reports.get(name);
    if (before && before.failure === null && this.nowMs - before.askedAtMs < ASK_EVERY_MS) return;
    if (node.lock && this.nowMs - node.lock.spokeAtMs > CHANNEL_IDLE_MS) node.lock = null;
    if (!node.alive) {
      const sinceMs = before?.failure?.sinceMs ?? this.nowMs;
      const kind = node.up ? 'silent' : 'refused';
      const attempts = (before?.failure?.attempts ?? 0) + 1;
      supervisor.reports.set(name, {
        name,
        state: before?.state ?? null,
        askedAtMs: before?.askedAtMs ?? Number.NEGATIVE_INFINITY,
        failure: { kind, sinceMs, attempts, error: kind },
        lock: 'none',
        reign: before?.reign ?? null,
        reigns: {},
        isEmpty: node.isEmpty,
      });
      if (node.lock?.by === supervisor.by && !node.up) node.lock = null;
      return;
    }
    if (node.lock?.by === supervisor.by) node.lock.spokeAtMs = this.nowMs;
    const lock =
      node.lock?.by === supervisor.by ? 'held' : before?.lock === 'held' ? 'none' : (before?.lock ?? 'none');
    supervisor.reports.set(name, {
      name,
      state: this.#stateOf(node),
      askedAtMs: this.nowMs,
      failure: null,
      lock: lock === 'other' && node.lock === null ? 'none' : lock,
      reign: this.#reignOf(node.head),
      reigns: this.#reignsOf(node.head),
      pulse: { unansweredSinceMs: node.open ? node.stalledSinceMs : null, beats: 3 },
    });
  }

  #stateOf(node: ModelNode): NodeState {
    const held = String(node.head) as Position;
    const position = String(node.promoted ? node.head : node.applied) as Position;
    const quorum = {
      armed: node.armed,
      trouble: null,
      voters: node.armed ? node.voters.map(replicationUser) : null,
      confirming: this.#confirming(node).map(replicationUser),
    };
    return {
      role: node.open ? 'primary' : node.source ? 'replica' : 'unknown',
      readOnly: !node.open,
      position,
      received: held,
      held,
      drained: position === held,
      replicating: node.source ? node.linkedSinceTurn !== null : null,
      source: node.source,
      engineLagMs: null,
      epoch: this.#epochOf(node.head),
      serverId: `${node.name} ${node.datas}`,
      bootId: String(node.boots),
      promoted: node.promoted,
      detached: node.source === null,
      linked: node.source !== null && node.linkedSinceTurn !== null,
      demotable: node.promoted && !node.open && !this.#waiting.some(({ on }) => on === node.name),
      sourceSign: node.source === null ? null : String(node.sign),
      applyTrouble: null,
      ownWrites: '' as Position,
      waiting: this.#waiting.filter(({ on }) => on === node.name).length,
      quorum,
    };
  }

  /** Everything but a lock needs the lock: without it the channel is a dead one. */
  #obey(supervisor: ModelSupervisor, action: Action): void {
    const node = this.node(action.node);
    const report = supervisor.reports.get(node.name)!;
    if (!node.alive && !(node.isEmpty && action.do === 'rebuild')) return;
    // The agent's, who looks for himself.
    if (action.do === 'restart' || action.do === 'rebuild') {
      const source = this.node(action.source);
      const reigns = source.open || (action.isGivenUp === true && source.source === null);
      const isTrue = source.alive && reigns && this.#epochOf(source.head) === action.epoch;
      const mayAcknowledge = action.isGivenUp || this.#epochOf(node.head) >= action.epoch;
      if (!isTrue || (node.open && mayAcknowledge)) return;
      if (action.do === 'restart') node.boot();
      else this.rebuild(node.name, source);
      return;
    }
    const held = node.lock !== null && this.nowMs - node.lock.spokeAtMs <= CHANNEL_IDLE_MS;
    if (action.do === 'lock') {
      const mine = !held || node.lock?.by === supervisor.by;
      if (mine) node.lock = { by: supervisor.by, spokeAtMs: this.nowMs };
      // What it knows of a node that it holds, it was told under the lock.
      const askedAtMs = mine && report.lock !== 'held' ? Number.NEGATIVE_INFINITY : report.askedAtMs;
      supervisor.reports.set(node.name, { ...report, askedAtMs, lock: mine ? 'held' : 'other' });
      return;
    }
    if (!held || node.lock?.by !== supervisor.by) {
      supervisor.reports.set(node.name, { ...report, lock: 'none' });
      return;
    }
    node.lock.spokeAtMs = this.nowMs;
    this.#change(supervisor, node, action);
    if (action.do === 'unlock') supervisor.reports.set(node.name, { ...report, lock: 'none' });
    // Its reign may be heard of from others first.
    else if (action.do === 'promote' && node.promoted)
      supervisor.reports.set(node.name, { ...report, state: { ...report.state!, promoted: true } });
    // Its next answer is not the one from before the order.
    else supervisor.reports.set(node.name, { ...report, askedAtMs: Number.NEGATIVE_INFINITY });
  }

  #change(supervisor: ModelSupervisor, node: ModelNode, action: Action): void {
    switch (action.do) {
      case 'unlock':
        node.lock = null;
        return;
      case 'detach':
        if (!node.promoted) node.source = null;
        node.linkedSinceTurn = null;
        // Now and then whoever gave the order ends before its second half; and of a promotion.
        if (action.voters && this.#random() < 0.8) this.#arm(node, action.voters);
        return;
      case 'follow':
        if (node.promoted) return;
        node.armed = false;
        if (node.source !== action.source) node.linkedSinceTurn = null;
        node.source = action.source as Name;
        return;
      case 'arm':
        this.#arm(node, action.voters);
        return;
      case 'promote':
        if (node.source !== null) return;
        node.promoted = true;
        if (this.#random() < 0.8) this.#begin(node, action.epoch);
        return;
      case 'reopen':
        if (node.source !== null) return;
        node.promoted = true;
        if (this.#epochOf(node.head) >= action.epoch) return;
        this.#append(node, { epoch: action.epoch, node: node.name });
        this.reopened += 1;
        return;
      case 'establish':
        if (node.promoted) this.#begin(node, action.epoch);
        return;
      case 'found': {
        if (node.promoted || node.source !== null || node.applied !== node.head) return;
        node.promoted = true;
        node.armed = true;
        node.voters = action.voters as Name[];
        this.#append(node, { epoch: action.epoch, node: node.name });
        // What it has not is what was given up.
        this.#foundedEpoch = action.epoch;
        this.#foundedEpochs.add(action.epoch);
        for (let i = this.acknowledged.length - 1; i >= 0; i--) {
          if (this.#covers(node.head, this.acknowledged[i]!)) continue;
          this.acknowledged.splice(i, 1);
          this.lostByOrder += 1;
        }
        this.founded += 1;
        return;
      }
      case 'open':
        // As `establish`, which comes before: only when a voter is there to confirm.
        if (node.promoted && !node.open && this.#confirming(node).length > 0) this.#open(node);
        return;
      case 'close':
        // Harder than the servers are: what is being committed is left to its fate.
        node.open = false;
        this.#closedFor = supervisor.state.wish ?? this.#closedFor;
        return;
      case 'demote':
        if (!node.open && !this.#waiting.some(({ on }) => on === node.name)) node.promoted = false;
    }
  }

  #arm(node: ModelNode, voters: readonly string[]): void {
    if (!node.promoted && (node.source !== null || node.applied !== node.head)) return;
    node.armed = true;
    node.voters = voters as Name[];
  }

  #begin(node: ModelNode, epoch: number): void {
    if (this.#epochOf(node.head) < epoch) this.#append(node, { epoch, node: node.name });
  }

  #hasAll(node: ModelNode): boolean {
    return this.acknowledged.every((id) => this.#covers(node.head, id));
  }

  #open(node: ModelNode): void {
    const missing = this.acknowledged.filter((id) => !this.#covers(node.head, id));
    if (missing.length > 0) {
      throw new Error(
        `${node.name} is opened at ${this.nowMs} ms without ${missing.length} acknowledged commits`,
      );
    }
    node.open = true;
    const { epoch } = this.#reignOf(node.head)!;
    if (epoch === this.#opened) return;
    this.#opened = epoch;
    this.promotions += 1;
    if (this.#closedFor?.to === node.name && this.#closedFor.epoch === epoch - 1) this.switchovers += 1;
  }

  /** The operator gives up what does not answer, right or wrong. */
  overrule(to: string): void {
    for (const supervisor of this.supervisors) {
      if (this.nowMs < supervisor.frozenUntilMs || !supervisor.last) continue;
      const nodes = NAMES.map((name) => supervisor.reports.get(name)!);
      const order = { to, allowDataLoss: true };
      const refusal = whyNoOverride(order, supervisor.last, nodes, this.#context, this.nowMs);
      if (refusal && (refusal.code !== 'lock-not-held' || supervisor.last.primary === to)) continue;
      const override = newOverride(to, nodes, supervisor.last, this.nowMs, refusal === null);
      supervisor.state = { ...supervisor.state, override };
    }
  }

  /** A supervisor ends and begins anew: it remembers nothing, and its locks are nobody's. */
  restart(supervisor: ModelSupervisor): void {
    supervisor.state = initialState(this.nowMs);
    supervisor.reports.clear();
    supervisor.orders = [];
    for (const node of this.nodes.values()) if (node.lock?.by === supervisor.by) node.lock = null;
  }

  /** The operator's wish, to whoever acts. */
  wish(to: string): void {
    for (const supervisor of this.supervisors) {
      if (whyNoSwitchover(to, supervisor.last, this.#context)) continue;
      const wish = newWish(to, supervisor.last!, this.nowMs, this.#context);
      supervisor.state = { ...supervisor.state, wish };
    }
  }

  /**
   * Brings a node's data to where the open primary is. Never from a primary that is an old one: it would wipe what the
   * newest reign has acknowledged. Then the node only boots.
   */
  rebuild(name: string, primary = this.primary): void {
    const node = this.node(name);
    const isJust = primary !== null && primary !== node && this.#hasAll(primary);
    if (isJust) {
      node.isEmpty = false;
      // A copy (postgres), or empty, under an identity that it never had (mysql, mariadb).
      const isCopy = this.#random() < 0.5;
      if (!isCopy) node.datas += 1;
      node.head = isCopy ? primary.head : 0;
      node.applied = node.head;
    }
    node.boot();
  }

  #covers(have: number, need: number): boolean {
    let id = have;
    while (id > need) id = this.#commits.get(id)?.before ?? 0;
    return id === need;
  }

  #reignOf(head: number): NodeReport['reign'] {
    return this.#commits.get(this.#reignCommitOf(head))?.reign ?? null;
  }

  #reignsOf(head: number): NodeReport['reigns'] {
    const known = this.#reigns.get(this.#reignCommitOf(head));
    if (known) return known;
    const reigns: Record<number, NodeReport['reigns'][number]> = {};
    for (
      let id = this.#reignCommitOf(head);
      id > 0;
      id = this.#reignCommitOf(this.#commits.get(id)!.before)
    ) {
      const { reign, before } = this.#commits.get(id)!;
      const lossless = !this.#foundedEpochs.has(reign!.epoch);
      reigns[reign!.epoch] = { fork: String(before) as Position, lossless };
    }
    this.#reigns.set(this.#reignCommitOf(head), reigns);
    return reigns;
  }

  /** The commit that began the newest reign which this history tells of; 0 before the first. */
  #reignCommitOf(head: number): number {
    let id = head;
    while (id > 0 && !this.#commits.get(id)!.reign) id = this.#commits.get(id)!.before;
    return id;
  }

  #epochOf(head: number): number {
    return this.#reignOf(head)?.epoch ?? 0;
  }
}
