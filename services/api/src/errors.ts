import {
  EngineError,
  type EngineErrorCode,
  RouterError,
  type RouterErrorCode,
} from '@replication-lab/router';
import type { ErrorRequestHandler } from 'express';
import { Problem, type ProblemCode, sendProblem } from './problems.ts';
import { contextOf } from './request.ts';
import { refuseToken, showToken } from './session.ts';

const ROUTER_PROBLEMS: Readonly<Record<RouterErrorCode, ProblemCode>> = {
  'no-primary': 'no-primary',
  'no-node': 'no-node',
  overloaded: 'overloaded',
  'outcome-unknown': 'outcome-unknown',
  timeout: 'timeout',
  'invalid-token': 'invalid-token',
  'history-lost': 'history-lost',
  'nested-transaction': 'internal',
  closed: 'shutting-down',
};

/** What of an engine's errors can come through the router and is not a fault of this service. */
const ENGINE_PROBLEMS: Partial<Record<EngineErrorCode, ProblemCode>> = {
  'outcome-unknown': 'outcome-unknown',
  overloaded: 'overloaded',
  'read-only': 'no-primary',
  deadlock: 'write-conflict',
};

/** What Express and its body reader throw, by the `type` or status they give it. */
const BODY_PROBLEMS: Readonly<Record<string, ProblemCode>> = {
  'entity.too.large': 'body-too-large',
  'encoding.unsupported': 'unsupported-media-type',
  'charset.unsupported': 'unsupported-media-type',
  'request.aborted': 'invalid-request',
  'request.size.invalid': 'invalid-request',
};

/** The one place where an error becomes an answer. What is not in a table is `internal`, and says nothing more. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof RouterError) return new Problem(ROUTER_PROBLEMS[error.code], { cause: error });
  const code = error instanceof EngineError ? ENGINE_PROBLEMS[error.code] : httpProblem(error);
  return new Problem(code ?? 'internal', { cause: error });
}

function httpProblem(error: unknown): ProblemCode | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof URIError) return 'invalid-path';
  const { type = '', status } = error as { type?: string; status?: number };
  return BODY_PROBLEMS[type] ?? (status === 400 ? 'invalid-request' : undefined);
}

/** Last in line. */
export const answerError: ErrorRequestHandler = (error, req, res, _next) => {
  const { requestId, disconnected } = contextOf(res);
  const found = toProblem(error);
  const problem = found.code === 'invalid-token' ? refuseToken(req, res) : found;
  // What the session had seen is gone: this answer's token begins it anew.
  if (error instanceof RouterError && error.token !== null) showToken(req, res, error.token);
  // For the log line that is written when the response is finished.
  res.locals.problem = problem.code;
  if (problem.status >= 500) res.err = error instanceof Error ? error : new Error(String(error));
  if (disconnected.aborted) return;
  if (res.headersSent) {
    req.socket.destroy();
    return;
  }
  sendProblem(res, problem, requestId);
};
