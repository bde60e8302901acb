import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Database } from './database.ts';
import { answerError } from './errors.ts';
import { type Logger, requestLogger } from './logging.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { Problem } from './problems.ts';
import { admit, checkUrl, openRequest, otherMethods } from './request.ts';
import { healthRoutes, topologyRoute } from './system.ts';
import { userRoutes } from './users/routes.ts';
import { createUserService } from './users/service.ts';

export interface AppDeps {
  readonly db: Database;
  readonly logger: Logger;
  /** Answered as `Served-By`. */
  readonly apiName: string;
  readonly maxInFlight: number;
  readonly requestTimeoutMs: number;
  readonly idempotencyWaitMs: number;
  /** Whose `X-Forwarded-*` headers are believed, in Express's syntax. */
  readonly trustProxy: string;
  /** True once this process has been told to stop. */
  readonly draining?: () => boolean;
}

export interface App {
  readonly express: Express;
  readonly metrics: Metrics;
}

/** The HTTP application, without a listener: give it to `http.createServer` or to supertest. */
export function createApp({ db, logger, apiName, draining = () => false, ...limits }: AppDeps): App {
  const { router } = db;
  const metrics = createMetrics(router);
  const system = { router, metrics, apiName, draining };

  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', limits.trustProxy);
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  // Rows set their own validator; hashing every other body would buy nothing, as none may be cached.
  app.set('etag', false);

  app.use(openRequest({ apiName, requestTimeoutMs: limits.requestTimeoutMs, draining }));
  app.use(metrics.observeRequest);
  app.use(requestLogger(logger));
  app.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives: NO_CONTENT } }));
  app.use(healthRoutes(system));
  app.use(admit(limits.maxInFlight, metrics.inFlight));
  app.use(checkUrl);
  app.use(userRoutes({ service: createUserService(db), idempotencyWaitMs: limits.idempotencyWaitMs }));
  app.use(topologyRoute(system));
  app.use(openApiRoute());
  app.use(() => {
    throw new Problem('not-found');
  });
  app.use(answerError);
  return { express: app, metrics };
}

/** The service answers data, never a page. */
const NO_CONTENT = { defaultSrc: ["'none'"], frameAncestors: ["'none'"] };

function openApiRoute(): express.Router {
  const document = openApiDocument();
  const routes = express.Router({ caseSensitive: true });
  routes
    .route('/openapi.json')
    .get((_req, res) => {
      res.json(document);
    })
    .all(otherMethods('GET', 'HEAD'));
  return routes;
}
