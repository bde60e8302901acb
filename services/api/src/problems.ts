import type { Response } from 'express';
import { z } from 'zod';

/**
 * Every way this service says no. The code is the contract: it never changes its meaning.
 * `retryAfterS` is set where the same request may succeed a moment later and repeating it does no harm.
 */
export const PROBLEMS = {
  'invalid-json': { status: 400, title: 'The body is not valid JSON in UTF-8' },
  'invalid-body': { status: 400, title: 'The body does not have the expected fields' },
  'invalid-id': { status: 400, title: 'The id is not a positive whole number' },
  'invalid-query': { status: 400, title: 'The query string is not valid' },
  'invalid-path': { status: 400, title: 'The path is not valid' },
  'invalid-request': { status: 400, title: 'The request is not valid HTTP' },
  'invalid-consistency-level': { status: 400, title: 'The Consistency-Level header is not valid' },
  'invalid-token': { status: 400, title: 'The consistency token is not valid' },
  'invalid-idempotency-key': { status: 400, title: 'The Idempotency-Key header is not valid' },
  'invalid-if-match': { status: 400, title: 'The If-Match header is not valid' },
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'user-not-found': { status: 404, title: 'There is no user with this id' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  'email-taken': { status: 409, title: 'Another user has this e-mail address' },
  'history-lost': {
    status: 409,
    title: 'What this session has seen was lost; the token of this answer begins it anew',
  },
  'idempotency-in-progress': {
    status: 409,
    title: 'The original request with this Idempotency-Key is still under way',
    retryAfterS: 1,
  },
  'version-mismatch': { status: 412, title: 'The row does not have the expected version' },
  'body-too-large': { status: 413, title: 'The body is larger than 16 KiB' },
  'unsupported-media-type': {
    status: 415,
    title: 'The body must be application/json in UTF-8, uncompressed',
  },
  'idempotency-key-reuse': { status: 422, title: 'This Idempotency-Key was used with another body' },
  // Answered by the proxy in front, and listed so that clients find every code in one place.
  'rate-limited': { status: 429, title: 'Too many requests', retryAfterS: 1 },
  'headers-too-large': { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'Something went wrong in the service' },
  'no-primary': {
    status: 503,
    title: 'No database takes writes now; nothing was written',
    retryAfterS: 1,
  },
  'no-node': { status: 503, title: 'No database can serve this read now', retryAfterS: 1 },
  overloaded: { status: 503, title: 'Too much is under way; nothing was done', retryAfterS: 1 },
  'write-conflict': {
    status: 503,
    title: 'The write met other writes and was rolled back; nothing was written',
    retryAfterS: 1,
  },
  timeout: { status: 503, title: 'The database did not answer in time; nothing was written', retryAfterS: 1 },
  'outcome-unknown': {
    status: 503,
    title: 'The connection broke while the write was being committed: it may or may not have happened',
  },
  'shutting-down': { status: 503, title: 'This replica of the service is stopping', retryAfterS: 1 },
} as const satisfies Record<string, ProblemKind>;

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly retryAfterS?: number;
}

export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemDetails {
  /** What happened this time, for people. Never holds what the caller sent, nor what a database said. */
  readonly detail?: string;
  /** Which fields are wrong. */
  readonly errors?: readonly FieldError[];
  /** Overrides the table: the code is right to retry only in some cases. */
  readonly retryAfterS?: number;
  /** More response headers, for example `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export interface FieldError {
  /** JSON pointer into the body, or the parameter's name. */
  readonly field: string;
  readonly detail: string;
}

/** An answer of the table, thrown from anywhere below a route. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly details: ProblemDetails;
  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    super(details.detail ?? PROBLEMS[code].title, { cause: details.cause });
    this.code = code;
    this.details = details;
  }
  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'A name for this kind of problem, made from its code' }),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().optional(),
    requestId: z.string().optional(),
    errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
export type ProblemBody = z.infer<typeof problemSchema>;

export const PROBLEM_TYPE = 'application/problem+json';

/** The body of the answer. */
export function problemBody(problem: Problem, requestId?: string): ProblemBody {
  const { title, status } = PROBLEMS[problem.code];
  const { detail, errors } = problem.details;
  return {
    type: `urn:problem:replication-lab:${problem.code}`,
    title,
    status,
    code: problem.code,
    ...(detail === undefined ? {} : { detail }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
}

/** Writes the problem as the response, with its headers. */
export function sendProblem(res: Response, problem: Problem, requestId?: string): void {
  for (const [name, value] of Object.entries(problem.details.headers ?? {})) res.setHeader(name, value);
  const retryAfterS = retryAfter(problem);
  if (retryAfterS !== undefined) res.setHeader('Retry-After', String(retryAfterS));
  // A validator belongs to a row, and a problem is none.
  res.removeHeader('ETag');
  res
    .status(problem.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemBody(problem, requestId)));
}

function retryAfter(problem: Problem): number | undefined {
  const kind: ProblemKind = PROBLEMS[problem.code];
  return problem.details.retryAfterS ?? kind.retryAfterS;
}

const MAX_FIELD_ERRORS = 10;
const MAX_DETAIL_CHARS = 200;

/** What zod found wrong, bounded: a hostile body must not make a large answer. */
export function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.slice(0, MAX_FIELD_ERRORS).map((issue) => ({
    field: `/${issue.path.map(String).join('/')}`.slice(0, MAX_DETAIL_CHARS),
    detail: issue.code === 'unrecognized_keys' ? 'unknown field' : issue.message.slice(0, MAX_DETAIL_CHARS),
  }));
}
