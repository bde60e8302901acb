import {
  Deadline,
  EngineError,
  type NodePool,
  type Position,
  type ReadOptions,
} from '@replication-lab/engines';
import type { Bearer, FindBearer, Sealed } from './bearer.ts';
import type { ReadTicket } from './choice/load-book.ts';
import { now, type RouterCore } from './core.ts';
import type { Candidate, RouteRequest } from './decide.ts';
import { classifyReadFailure, type FailureKind, isUnreachable, readError, WorkFailed } from './failures.ts';
import { afterRead, type SessionState } from './session.ts';
import {
  type ConsistencyLevel,
  type Decision,
  type ReadRequest,
  RouterError,
  type Topology,
} from './types.ts';

/** Share of the remaining time that a read may spend on one node while another could answer it. */
const FIRST_SHARE = 0.7;
/** While it waits for a node. */
const LOOK_AGAIN_MS = 25;
const NOBODY: ReadonlySet<string> = new Set();
const LEVELS: ReadonlySet<ConsistencyLevel> = new Set(['eventual', 'bounded', 'session', 'primary']);

/** What is asked of a node: one statement, or a transaction of reads. */
export type Ask<T> = (pool: NodePool, options: ReadOptions) => Promise<T>;

/** What every answer may bring. */
export interface Seen {
  readonly upperBound?: Position | undefined;
}

/** Makes the caller's answer of a node's. */
export type Finish<T, R> = (value: T, decision: Decision, sealed: Sealed) => R;

/** One read on its way through the nodes, and what is asked of `decideRoute` for it. */
interface Journey extends RouteRequest {
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  session: SessionState | null;
  /** The epoch by which `session` was judged. */
  judgedEpoch: number;
  tried: ReadonlySet<string>;
  sparePrimary: boolean;
  waitMs: number;
  /** It has waited for a replica already, in vain. */
  waited: boolean;
  /** Its share of forced reads of the primary was counted already. */
  counted: boolean;
  lastError: unknown;
  /** Until when it waits for a node while there is no primary; null: it has not begun to. */
  giveUpMs: number | null;
}

/**
 * Decides, asks the best node, and when that node fails the read decides again without it. Each node is asked once at
 * most, all within one deadline. `bearerOf` is asked inside, so that a bad token rejects and does not throw.
 *
 * One async function, and none around it: with a read of 50 µs of CPU, each layer of promises shows.
 */
export async function read<T extends Seen, R>(
  core: RouterCore,
  bearerOf: FindBearer,
  request: ReadRequest,
  ask: Ask<T>,
  finish: Finish<T, R>,
): Promise<R> {
  core.assertOpen();
  const startedMs = now();
  const level = levelOf(request);
  const bearer = bearerOf(request.token);
  const base = bearer.state;
  const journey = setOut(core, request, level, base, startedMs);
  let nowMs = startedMs;
  for (; ; nowMs = now()) {
    core.assertOpen();
    // A session of an older reign is judged before anything is read for it, and again when a reign has begun meanwhile. The
    // usual one is of this reign, and costs no turn.
    if (level === 'session' && base !== null && journey.judgedEpoch !== core.cluster.highestEpoch) {
      journey.session = await core.currentSession(base, bearer);
      journey.judgedEpoch = core.cluster.highestEpoch;
    }
    const topology = core.topology(level === 'bounded', nowMs);
    setWait(core, journey, nowMs);
    const route = core.route(journey, topology, nowMs);
    if (!route) {
      if (topology.primary === null && (await mayAppear(core, journey, nowMs))) continue;
      throw journey.lastError ?? noNode(level, topology);
    }
    const { choice } = route;
    const mustWait = choice.waitFor !== null || choice.forced || choice.settleFrom !== null;
    if (mustWait) {
      if (!(await isReady(core, journey, choice))) continue;
      nowMs = now();
    }
    const leftMs = leftOf(journey, nowMs);
    const timeoutMs = Math.ceil(route.hasAlternative ? leftMs * FIRST_SHARE : leftMs);
    const access = core.access(choice.node);
    const { halt } = access;
    const ticket = core.load.begin(choice.node, nowMs);
    const { withUpperBound } = choice;
    let value: T;
    try {
      value = await ask(access.readPool, { timeoutMs, signal: request.signal, halt, withUpperBound });
    } catch (error) {
      const reason = error instanceof WorkFailed ? error.failure : error;
      const failure = failed(core, choice.node, ticket, reason, halt.isOver && !request.signal?.aborted);
      if (failure === 'final') throw reason;
      journey.lastError = readError(reason);
      if (error instanceof WorkFailed) throw journey.lastError;
      journey.sparePrimary ||= failure === 'full';
      journey.tried = new Set([...journey.tried, choice.node]);
      continue;
    }
    const endedMs = now();
    core.load.end(ticket, endedMs, 'ok');
    core.cluster.answered(choice.node, 'read', endedMs);
    if (isBehindSession(core, journey, value.upperBound)) {
      if (journey.judgedEpoch !== core.cluster.highestEpoch) continue; // a reign has begun: judge first
      throw lostOrUnheard(core, bearer, journey, topology);
    }
    const next = seen(core, journey, choice, topology.epoch, value.upperBound);
    core.decided(choice, level, startedMs);
    return finish(value, decisionOf(choice), bearer.advance(base, next));
  }
}

function setOut(
  core: RouterCore,
  request: ReadRequest,
  level: ConsistencyLevel,
  session: SessionState | null,
  startedMs: number,
): Journey {
  return {
    level,
    startedMs,
    deadlineMs: startedMs + (request.timeoutMs ?? core.settings.readTimeoutMs),
    signal: request.signal,
    maxStalenessMs: request.maxStalenessMs ?? 0,
    session,
    judgedEpoch: session?.epoch ?? 0,
    tried: NOBODY,
    sparePrimary: false,
    waitMs: 0,
    waited: false,
    counted: false,
    lastError: null,
    giveUpMs: null,
  };
}

const decisionOf = ({ node, role, reason }: Decision): Decision => ({ node, role, reason });

/** `Router.explain` of a read: the first choice, without asking it. */
export function explainRead(core: RouterCore, bearer: Bearer, request: ReadRequest): Decision {
  const level = levelOf(request);
  const topology = core.topology(true);
  const { maxStalenessMs = 0 } = request;
  const waitMs = core.settings.sessionWaitMs;
  const route = core.route(
    { level, maxStalenessMs, session: bearer.state, tried: NOBODY, sparePrimary: false, waitMs },
    topology,
  );
  if (!route) throw noNode(level, topology);
  return decisionOf(route.choice);
}

/**
 * Did the primary show less than this session has seen? It holds its whole history, and was asked after the token had
 * come: what it does not hold is gone, or belongs to a reign that this router has not heard of.
 */
function isBehindSession(
  core: RouterCore,
  { level, session }: Journey,
  upperBound: Position | undefined,
): boolean {
  if (level !== 'session' || session === null || upperBound === undefined) return false;
  return !core.client.positions.covers(upperBound, session.position);
}

/** While a node does not answer, it may be the newer primary. Only when all have answered the history is lost. */
function lostOrUnheard(core: RouterCore, bearer: Bearer, { level, session }: Journey, topology: Topology) {
  const isNewer = session!.epoch > core.cluster.highestEpoch;
  const allAnswer = topology.nodes.every(({ up, positionKnown }) => up && positionKnown);
  return isNewer && !allAnswer ? noNode(level, topology) : core.historyLost(session!, bearer);
}

/** The session after the read; null when it goes on as it was. */
function seen(
  core: RouterCore,
  { level, session }: Journey,
  { node, role }: Candidate,
  epoch: number,
  upperBound: Position | undefined,
): SessionState | null {
  if (level === 'eventual' || level === 'bounded') return session;
  return afterRead(session ?? core.newSession(), { level, node, role, upperBound, epoch });
}

/** What has to be true before the node is asked. False: decide again. Throws when the time is up. */
async function isReady(core: RouterCore, journey: Journey, choice: Candidate): Promise<boolean> {
  const leftMs = leftOf(journey);
  if (journey.signal?.aborted) throw new EngineError('aborted', 'the caller gave up');
  if (choice.waitFor !== null) {
    journey.waited = true;
    const timeoutMs = journey.sparePrimary ? leftMs : Math.min(leftMs, core.settings.sessionWaitMs);
    return core.catchUp(choice.node, choice.waitFor, timeoutMs, journey.signal);
  }
  if (choice.forced && !journey.counted) {
    journey.counted = true;
    if (!core.budget.take(journey.session?.id ?? '', now())) {
      // Better late from a replica than a primary that drowns.
      journey.sparePrimary = true;
      journey.waited = false;
      journey.lastError = new RouterError(
        'overloaded',
        'This session, or all of them, have read the primary too often, and no replica holds yet what it has seen. Try again in a second.',
      );
      return false;
    }
    core.pokeOthers(choice.node);
  }
  if (choice.settleFrom !== null) await settled(core, journey, choice.node, choice.settleFrom);
  return true;
}

async function settled(core: RouterCore, journey: Journey, primary: string, left: string): Promise<void> {
  try {
    // The question is shared, and goes on for the others.
    const deadline = new Deadline({ timeoutMs: leftOf(journey), signal: journey.signal });
    await deadline.race(core.settle(primary, left), () => {});
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'aborted') throw error;
    throw new RouterError(
      'no-node',
      `${primary} does not show yet what this session has seen on ${left} (${error.message}). Try again.`,
      error,
    );
  }
}

/** Tells load and cluster what a failed read says of the node. */
function failed(
  core: RouterCore,
  node: string,
  ticket: ReadTicket,
  error: unknown,
  silent: boolean,
): FailureKind {
  const failure = classifyReadFailure(error, silent);
  core.load.end(ticket, now(), loadOutcome(error, failure));
  if (isUnreachable(error, silent)) {
    core.cluster.unreachable(node, now());
    core.poke(node);
  }
  return failure;
}

/**
 * A statement that is wrong was answered all the same. A caller who left, a full pool and a read that had to give way to
 * replication say nothing against the node.
 */
function loadOutcome(error: unknown, failure: FailureKind): 'ok' | 'failed' | 'abandoned' {
  const code = error instanceof EngineError ? error.code : 'aborted';
  if (failure === 'full' || code === 'aborted' || code === 'deadlock') return 'abandoned';
  return failure === 'final' ? 'ok' : 'failed';
}

export function levelOf({ level = 'session', maxStalenessMs }: ReadRequest): ConsistencyLevel {
  if (!LEVELS.has(level)) {
    throw new RangeError(`level: '${level}' is none of ${[...LEVELS].join(', ')}`);
  }
  if (level === 'bounded' && !(maxStalenessMs !== undefined && maxStalenessMs >= 0)) {
    throw new RangeError('a bounded read needs maxStalenessMs, 0 or more');
  }
  return level;
}

/**
 * While the primary is being replaced there can be a moment in which no node can keep a read's promise: then a read waits as
 * a write does. False when that was long enough, or too many wait.
 */
async function mayAppear(core: RouterCore, journey: Journey, nowMs: number): Promise<boolean> {
  journey.giveUpMs ??= Math.min(journey.deadlineMs, nowMs + core.settings.primaryWaitMs);
  const leftMs = Math.min(LOOK_AGAIN_MS, journey.giveUpMs - nowMs);
  if (!(await core.readWait.wait(leftMs, journey.signal))) return false;
  // Whoever failed this read may be another one by now.
  journey.tried = NOBODY;
  return true;
}

function setWait(core: RouterCore, journey: Journey, nowMs: number): void {
  const mayWaitMs = journey.sparePrimary ? journey.deadlineMs - nowMs : core.settings.sessionWaitMs;
  journey.waitMs = journey.waited ? 0 : mayWaitMs;
}

function leftOf({ deadlineMs, lastError }: Journey, nowMs = now()): number {
  const leftMs = deadlineMs - nowMs;
  if (leftMs > 0) return leftMs;
  throw lastError ?? new RouterError('timeout', 'The read did not finish in time.');
}

function noNode(level: ConsistencyLevel, topology: Topology): RouterError {
  const states = topology.nodes.map(
    ({ name, role, excluded, error }) => `${name} ${excluded ?? role}${error === null ? '' : `: ${error}`}`,
  );
  return new RouterError(
    'no-node',
    `No node can serve a read at level ${level} now (${states.join('; ')}). Try again.`,
  );
}
