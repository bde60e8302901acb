import {
  type CapturedPosition,
  EngineError,
  type RowForm,
  type SqlResult,
  type SqlValue,
  type Transaction,
} from '@replication-lab/engines';
import { type FindBearer, tokenOf } from './bearer.ts';
import { now, type RouterCore } from './core.ts';
import { classifyWriteFailure, writeError } from './failures.ts';
import type { NodeAccess } from './node-access.ts';
import type { Finish } from './reads.ts';
import { afterPrimary, afterWrite } from './session.ts';
import { RouterError, type WriteRequest } from './types.ts';

/** While writes wait for a primary, each looks again this often, whether or not it was told. */
const LOOK_AGAIN_MS = 25;

export interface Written<T> {
  readonly value: T;
  readonly position: CapturedPosition;
}

/** What is done on the primary. */
export interface PrimaryWork<T> {
  run(
    access: NodeAccess,
    options: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<Written<T>>;
  /** May it be run again, after a failure in which nothing was committed? */
  mayRepeat(): boolean;
  /** Has the caller been shown what the primary has, whatever became of the rest? */
  hasShown(): boolean;
}

/**
 * Runs `work` on the primary, and says what came of it. Nothing that may have been executed is ever sent again. What was
 * not sent, or refused as read-only, waits for a primary (bounded in time and number) and is sent there.
 */
export async function onPrimary<T, R>(
  core: RouterCore,
  bearerOf: FindBearer,
  request: WriteRequest,
  work: PrimaryWork<T>,
  finish: Finish<T, R>,
): Promise<R> {
  core.assertOpen();
  const startedMs = now();
  const bearer = bearerOf(request.token);
  const { signal } = request;
  const deadlineMs = startedMs + (request.timeoutMs ?? core.settings.writeTimeoutMs);
  if (signal?.aborted) throw new EngineError('aborted', 'the caller gave up before the write was sent');
  const base = bearer.state;
  let session = base ?? core.newSession();
  let judgedEpoch = session.epoch;
  let giveUpMs: number | null = null;
  for (;;) {
    // A session of an older reign is judged before anything is written for it, and again when a reign has begun meanwhile.
    if (base !== null && judgedEpoch !== core.cluster.highestEpoch) {
      session = await core.currentSession(base, bearer);
      judgedEpoch = core.cluster.highestEpoch;
    }
    const { primary, epoch } = core.topology();
    let failure: unknown = null;
    if (primary !== null) {
      const access = core.access(primary);
      let written: Written<T> | null = null;
      try {
        written = await work.run(access, { timeoutMs: Math.ceil(deadlineMs - now()), signal });
      } catch (error) {
        if (error instanceof EngineError) noticeFailure(core, access, error);
        const kind = classifyWriteFailure(error);
        if (kind === 'outcome-unknown') {
          // The write may be there: only the primary can tell, so that is where this session reads next.
          throw writeError(error, tokenOf(bearer.advance(base, { ...session, unknown: true })));
        }
        if (work.hasShown()) bearer.advance(base, afterPrimary(session, primary));
        failure = writeError(error);
        if (!(kind === 'not-sent' || kind === 'demoted') || !work.mayRepeat()) throw failure;
      }
      if (written) {
        core.cluster.answered(primary, 'write', now());
        const next = afterWrite(session, written.position, primary, epoch, core.client.positions);
        const decision = { node: primary, role: 'primary', reason: 'write' } as const;
        core.decided(decision, 'write', startedMs);
        return finish(written.value, decision, bearer.advance(base, next));
      }
    }
    giveUpMs ??= Math.min(deadlineMs, now() + core.settings.primaryWaitMs);
    const leftMs = giveUpMs - now();
    const again = leftMs > 0 && (await core.primaryWait.wait(Math.min(LOOK_AGAIN_MS, leftMs), signal));
    core.assertOpen();
    if (signal?.aborted) throw new EngineError('aborted', 'the caller gave up before the write was sent');
    if (!again) throw failure ?? noPrimary();
  }
}

/** One autocommitted statement: only the pool knows whether it was sent, and says so. */
export function statementWork(
  sql: string,
  params: readonly SqlValue[],
  form: RowForm | undefined,
): PrimaryWork<SqlResult> {
  return {
    async run(access, options) {
      const value = await access.writePool.write(sql, params, form ? { ...options, ...form } : options);
      return { value, position: value.position };
    },
    mayRepeat: () => true,
    hasShown: () => false,
  };
}

/** A transaction: run again only before `work` has begun, or where the caller allows it. */
export function transactionWork<T>(
  core: RouterCore,
  work: (tx: Transaction) => Promise<T>,
  repeatable: boolean,
): PrimaryWork<T> {
  let begun = false;
  return {
    run: (access, options) =>
      access.writePool.transaction((tx) => {
        begun = true;
        const running = {
          tx: noticing(core, access, tx),
          decision: { node: access.endpoint.name, role: 'primary' as const },
          over: false,
        };
        return core.calls
          .insideTransaction(running, () => work(running.tx))
          .finally(() => {
            running.over = true;
          });
      }, options),
    mayRepeat: () => !begun || repeatable,
    hasShown: () => begun,
  };
}

/** A statement of a transaction that meets "read-only" tells the router so, even when the caller swallows the error. */
function noticing(core: RouterCore, access: NodeAccess, tx: Transaction): Transaction {
  return {
    async query(sql, params, form) {
      try {
        return await tx.query(sql, params, form);
      } catch (error) {
        if (error instanceof EngineError) noticeFailure(core, access, error);
        throw error;
      }
    },
  };
}

/** Tells the cluster what the failure says of the node. */
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

const noPrimary = (): RouterError =>
  new RouterError('no-primary', 'No node takes writes now. Nothing was written; try again shortly.');
