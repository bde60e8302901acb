import {
  type CapturedPosition,
  EngineError,
  type SqlResult,
  type SqlValue,
  type Transaction,
} from '@replication-lab/engines';
import { now, type RouterCore } from './core.ts';
import { writeError } from './failures.ts';
import type { NodeAccess } from './node-access.ts';
import { afterWrite } from './session.ts';
import { type Outcome, RouterError, type WriteRequest } from './types.ts';

type Written<T> = { readonly value: T; readonly position: CapturedPosition };

/** `Router.write`. */
export async function write(
  core: RouterCore,
  sql: string,
  params: readonly SqlValue[],
  request: WriteRequest,
): Promise<SqlResult & Outcome> {
  const { value, ...outcome } = await onPrimary(core, request, async (access, timeoutMs) => {
    const options = { timeoutMs, signal: request.signal };
    const { position, ...result } = await access.writePool.write(sql, params, options);
    return { value: result, position };
  });
  return { ...value, ...outcome };
}

/** `Router.transaction`. */
export function transaction<T>(
  core: RouterCore,
  work: (tx: Transaction) => Promise<T>,
  request: WriteRequest,
): Promise<{ value: T } & Outcome> {
  return onPrimary(core, request, (access, timeoutMs) =>
    access.writePool.transaction(
      (tx) => work({ query: (sql, params) => noticing(core, access, tx.query(sql, params)) }),
      { timeoutMs, signal: request.signal },
    ),
  );
}

/** Writes go to the primary, once: whatever fails is reported and never repeated. */
async function onPrimary<T>(
  core: RouterCore,
  request: WriteRequest,
  run: (access: NodeAccess, timeoutMs: number) => Promise<Written<T>>,
): Promise<{ value: T } & Outcome> {
  const startedMs = now();
  core.assertOpen();
  const opened = core.openToken(request.token);
  if (request.signal?.aborted)
    throw new EngineError('aborted', 'the caller gave up before the write was sent');
  await core.hearOfEpoch(opened);
  const { primary, epoch } = core.topology();
  if (primary === null) {
    throw new RouterError('no-primary', 'No node takes writes now. Nothing was written; try again shortly.');
  }
  const access = core.access(primary);
  let written: Written<T>;
  try {
    written = await run(access, request.timeoutMs ?? core.settings.writeTimeoutMs);
  } catch (error) {
    if (error instanceof EngineError) noticeFailure(core, access, error);
    throw writeError(error);
  }
  core.cluster.answered(primary, 'write', now());
  const session = core.sessionOf(opened, epoch);
  const next = afterWrite(session, written.position, primary, epoch, core.client.positions);
  return {
    value: written.value,
    decision: core.decided({ node: primary, role: 'primary', reason: 'write' }, 'write', startedMs),
    token: core.sealToken(next, opened),
  };
}

/** A statement of a transaction that meets "read-only" tells the router so, even when the caller swallows the error. */
async function noticing(
  core: RouterCore,
  access: NodeAccess,
  answer: Promise<SqlResult>,
): Promise<SqlResult> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof EngineError) noticeFailure(core, access, error);
    throw error;
  }
}

function noticeFailure(core: RouterCore, access: NodeAccess, { code }: EngineError): void {
  const { name } = access.endpoint;
  if (code === 'read-only') {
    // Demoted. Somebody else may be the primary already, so all are asked at once.
    core.cluster.refusedWrite(name, now());
    core.poke();
  } else if (code === 'connect-failed' || code === 'connection-lost' || code === 'outcome-unknown') {
    core.poke(name);
  }
}
