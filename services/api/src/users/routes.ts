import express, { type Request, type Response } from 'express';
import { parseBody, readBody } from '../body.ts';
import { parseConsistencyLevel, type RequestedLevel } from '../consistency.ts';
import { parseIdempotencyKey } from '../idempotency.ts';
import type { CallContext } from '../levels.ts';
import { fieldErrors, Problem } from '../problems.ts';
import { contextOf, otherMethods } from '../request.ts';
import { showOutcome, tokenOf } from '../session.ts';
import { etagOf, parseIfMatch } from './preconditions.ts';
import {
  type ListQuery,
  listQuerySchema,
  newUserSchema,
  type User,
  userIdSchema,
  userPatchSchema,
} from './schemas.ts';
import type { Answered, Change, UserService } from './service.ts';

export interface UserRouteDeps {
  readonly service: UserService;
  readonly idempotencyWaitMs: number;
}

/** HTTP in, HTTP out. The paths are whole, not mounted: the route's path is the metrics' label. */
export function userRoutes({ service, idempotencyWaitMs }: UserRouteDeps): express.Router {
  const routes = express.Router({ caseSensitive: true });
  const callOf = (req: Request, res: Response): Call => ({
    ...contextOf(res),
    level: parseConsistencyLevel(req.get('Consistency-Level')),
    token: tokenOf(req),
  });

  routes
    .route('/users')
    .get(async (req, res) => {
      const call = callOf(req, res);
      const page = await service.list(parseListQuery(req.query), call.level, call);
      showOutcome(req, res, page);
      res.json(page.value);
    })
    .post(readBody, async (req: Request, res: Response) => {
      const call = callOf(req, res);
      const key = parseIdempotencyKey(req.get('Idempotency-Key'));
      const input = parseBody(req, newUserSchema);
      const once = key === undefined ? undefined : { key, waitMs: idempotencyWaitMs };
      const created = await service.create(input, call, once);
      showOutcome(req, res, created);
      if (created.replayed) res.setHeader('Idempotent-Replay', 'true');
      res.location(`/users/${created.value.id}`).status(201);
      sendUser(res, created.value);
    })
    .all(otherMethods('GET', 'HEAD', 'POST'));

  routes
    .route('/users/:id')
    .get(async (req, res) => {
      const call = callOf(req, res);
      const { value: user, ...outcome } = await service.get(parseId(req), call.level, call);
      showOutcome(req, res, outcome);
      if (user === null) throw new Problem('user-not-found');
      if (call.level.kind === 'version' && user.version < call.level.min) {
        throw new Problem('version-mismatch', { detail: `the newest version is ${user.version}` });
      }
      sendUser(res, user);
    })
    .patch(readBody, async (req: Request, res: Response) => {
      const call = callOf(req, res);
      const versions = parseIfMatch(req.get('If-Match'));
      const patch = parseBody(req, userPatchSchema);
      sendUser(res, done(req, res, await service.update(parseId(req), patch, versions, call)));
    })
    .delete(async (req, res) => {
      const call = callOf(req, res);
      const versions = parseIfMatch(req.get('If-Match'));
      done(req, res, await service.remove(parseId(req), versions, call));
      res.status(204).end();
    })
    .all(otherMethods('GET', 'HEAD', 'PATCH', 'DELETE'));

  return routes;
}

type Call = CallContext & { readonly level: RequestedLevel };

/** Shows the outcome, and lets only a change that was made pass. */
function done<U>(req: Request, res: Response, { value, ...outcome }: Answered<Change<U>>): U {
  showOutcome(req, res, outcome);
  if (value.kind === 'not-found') throw new Problem('user-not-found');
  if (value.kind === 'stale') {
    throw new Problem('version-mismatch', { detail: `the row has version ${value.version}` });
  }
  return value.user;
}

function sendUser(res: Response, user: User): void {
  res.setHeader('ETag', etagOf(user));
  res.json(user);
}

function parseId(req: Request): number {
  const parsed = userIdSchema.safeParse(req.params.id);
  if (parsed.success) return parsed.data;
  throw new Problem('invalid-id');
}

function parseListQuery(query: unknown): ListQuery {
  const parsed = listQuerySchema.safeParse(query);
  if (parsed.success) return parsed.data;
  throw new Problem('invalid-query', { errors: fieldErrors(parsed.error) });
}
