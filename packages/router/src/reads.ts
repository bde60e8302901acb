import type { Position, SqlResult, SqlValue } from '@replication-lab/engines';
import { now, type RouterCore } from './core.ts';
import type { Candidate, RouteRequest } from './decide.ts';
import { classifyReadFailure, type ReadFailure, readError } from './failures.ts';
import { afterRead } from './session.ts';
import type { OpenedToken } from './token.ts';
import {
  type ConsistencyLevel,
  type Decision,
  type Outcome,
  type ReadRequest,
  RouterError,
  type Topology,
} from './types.ts';

/** Share of the remaining time that a read may spend on one node while another could answer it. */
const FIRST_SHARE = 0.7;

type Attempt =
  | { readonly ok: true; readonly result: SqlResult & { upperBound?: Position } }
  | { readonly ok: false; readonly error: unknown; readonly failure: ReadFailure };

/**
 * `Router.read`: decides, asks the best node, and when that node fails the read decides again without it. Each node
 * is asked once at most, all within one deadline.
 */
export async function read(
  core: RouterCore,
  sql: string,
  params: readonly SqlValue[],
  request: ReadRequest,
): Promise<SqlResult & Outcome> {
  const startedMs = now();
  core.assertOpen();
  const level = levelOf(request);
  const opened = core.openToken(request.token);
  const deadlineMs = startedMs + (request.timeoutMs ?? core.settings.readTimeoutMs);
  await core.hearOfEpoch(opened);
  const tried = new Set<string>();
  let sparePrimary = false;
  let lastError: unknown = null;
  for (;;) {
    const topology = core.topology();
    const [choice, alternative] = core.candidates(
      routeRequest(request, opened, tried, sparePrimary),
      topology,
    );
    if (!choice) throw lastError ?? noNode(level, topology);
    const leftMs = deadlineMs - now();
    if (leftMs <= 0) throw lastError ?? new RouterError('timeout', 'The read did not finish in time.');
    if (choice.reason === 'replica-behind') core.pokeOthers(choice.node);
    const timeoutMs = Math.ceil(alternative ? leftMs * FIRST_SHARE : leftMs);
    const attempt = await tryRead(core, choice, sql, params, timeoutMs, request.signal);
    if (attempt.ok) {
      const { upperBound, ...result } = attempt.result;
      const session = core.sessionOf(opened, topology.epoch);
      const { node, role } = choice;
      const next = afterRead(session, { level, node, role, upperBound, epoch: topology.epoch });
      return {
        ...result,
        decision: core.decided(choice, level, startedMs),
        token: core.sealToken(next, opened),
      };
    }
    if (attempt.failure === 'final') throw attempt.error;
    lastError = readError(attempt.error, attempt.failure);
    sparePrimary ||= attempt.failure === 'full';
    tried.add(choice.node);
  }
}

/** `Router.explain`: the first choice, without asking it. */
export function explain(core: RouterCore, request: ReadRequest): Decision {
  core.assertOpen();
  const level = levelOf(request);
  const opened = core.openToken(request.token);
  const topology = core.topology();
  const [choice] = core.candidates(routeRequest(request, opened, new Set(), false), topology);
  if (!choice) throw noNode(level, topology);
  return { node: choice.node, role: choice.role, reason: choice.reason };
}

async function tryRead(
  core: RouterCore,
  choice: Candidate,
  sql: string,
  params: readonly SqlValue[],
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  const access = core.access(choice.node);
  const lease = access.beginRead(signal);
  const { withUpperBound } = choice;
  try {
    const result = await access.readPool.read(sql, params, {
      timeoutMs,
      signal: lease.signal,
      withUpperBound,
    });
    core.cluster.answered(choice.node, 'read', now());
    return { ok: true, result };
  } catch (error) {
    const failure = classifyReadFailure(error, lease.nodeWasSilent());
    if (failure === 'unreachable') {
      core.cluster.unreachable(choice.node, now());
      core.poke(choice.node);
    }
    return { ok: false, error, failure };
  } finally {
    lease.end();
  }
}

function levelOf({ level = 'session', maxStalenessMs }: ReadRequest): ConsistencyLevel {
  if (level === 'bounded' && !(maxStalenessMs !== undefined && maxStalenessMs >= 0)) {
    throw new RangeError('a bounded read needs maxStalenessMs, 0 or more');
  }
  return level;
}

function routeRequest(
  { level = 'session', maxStalenessMs = 0 }: ReadRequest,
  opened: OpenedToken | null,
  tried: ReadonlySet<string>,
  sparePrimary: boolean,
): RouteRequest {
  return { level, maxStalenessMs, session: opened?.state ?? null, tried, sparePrimary };
}

function noNode(level: ConsistencyLevel, topology: Topology): RouterError {
  const states = topology.nodes.map(({ name, role, excluded }) => `${name} ${excluded ?? role}`).join(', ');
  return new RouterError('no-node', `No node can serve a read at level ${level} now (${states}). Try again.`);
}
