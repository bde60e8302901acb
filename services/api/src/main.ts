import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accountsFrom, DATABASE_NAME, getEngineClient } from '@replication-lab/engines';
import { nodesFrom } from '@replication-lab/engines/config';
import { certificateFilesFrom, createProbeServer } from '@replication-lab/engines/https';
import { createRouter, type Router } from '@replication-lab/router';
import { collectDefaultMetrics } from 'prom-client';
import { createApp } from './app.ts';
import { type ApiConfig, ConfigError, printable, readConfig } from './config.ts';
import { createLogger, type Logger } from './logging.ts';
import { createHttpServer } from './server.ts';
import { shutDown } from './shutdown.ts';
import { startSweeper } from './sweeper.ts';

const EXIT_WRONG_CONFIG = 2;

/** One API process: starts, serves until SIGTERM or SIGINT, stops without dropping a request. */
async function main(): Promise<void> {
  const config = configOrExit();
  const logger = createLogger(config.LOG_LEVEL, config.API_NAME);
  const router = routerFrom(config);
  logRouterEvents(router, logger);

  let draining = false;
  const db = { router, engine: getEngineClient(config.DB_ENGINE) };
  const app = createApp({
    db,
    logger,
    apiName: config.API_NAME,
    maxInFlight: config.MAX_IN_FLIGHT,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    idempotencyWaitMs: config.IDEMPOTENCY_WAIT_MS,
    trustProxy: config.TRUST_PROXY,
    draining: () => draining,
  });
  collectDefaultMetrics({ register: app.metrics.registry });
  const stopSweeper = startSweeper(db, config.IDEMPOTENCY_SWEEP_MS, logger);

  const files = certificateFilesFrom(config);
  const onUnusable = (error: Error) => logger.error(error, 'the new certificate cannot be used');
  const server = createHttpServer(app.express, config.API_NAME, { files, onUnusable });
  const stop = (signal: NodeJS.Signals): void => {
    // Whoever asks twice means it.
    if (draining) process.exit(1);
    draining = true;
    logger.info({ signal }, 'told to stop');
    const release = async (): Promise<void> => {
      stopSweeper();
      app.metrics.stop();
      await router.close();
    };
    const { SHUTDOWN_DRAIN_MS: drainMs, SHUTDOWN_TIMEOUT_MS: timeoutMs } = config;
    void shutDown({ server, release, logger, drainMs, timeoutMs }).then((clean) =>
      process.exit(clean ? 0 : 1),
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);

  // Listening does not wait for the databases: `/readyz` says when they can be read.
  await listen(server, config.PORT, config.HOST);
  if (files && config.PROBE_PORT > 0) {
    const probe = createProbeServer(['/livez', '/readyz'], app.express);
    await listen(probe, config.PROBE_PORT, '127.0.0.1');
  }
  const { port } = server.address() as AddressInfo;
  logger.info({ config: printable(config), port }, 'listening');
}

function configOrExit(): ApiConfig {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(EXIT_WRONG_CONFIG);
  }
}

function routerFrom(config: ApiConfig): Router {
  // An API process is given no administrator's, supervisor's or replication password, and the router wants none.
  const notGiven = { DB_ADMIN_PASSWORD: '', DB_SUPERVISOR_PASSWORD: '', DB_REPLICATION_PASSWORD: '' };
  const accounts = accountsFrom({ ...notGiven, ...config });
  return createRouter({
    engine: config.DB_ENGINE,
    nodes: nodesFrom(config),
    accounts,
    database: DATABASE_NAME,
    tokenKeys: config.TOKEN_KEYS,
    pool: { write: config.POOL_WRITE, read: config.POOL_READ },
    pollMs: config.POLL_MS,
    maxLagMs: config.MAX_LAG_MS,
    readTimeoutMs: config.REQUEST_TIMEOUT_MS,
    writeTimeoutMs: config.REQUEST_TIMEOUT_MS,
    primaryWaitMs: config.PRIMARY_WAIT_MS,
    // So that reads keep their room while there is no primary.
    primaryWaiters: Math.ceil(config.MAX_IN_FLIGHT / 4),
  });
}

function logRouterEvents(router: Router, logger: Logger): void {
  router.events.on('primary-changed', (change) => logger.warn(change, 'the primary changed'));
  router.events.on('node-up', ({ node }) => logger.info({ node }, 'node answers'));
  router.events.on('node-down', ({ node, error }) => logger.warn({ node, error }, 'node does not answer'));
  router.events.on('lag', (lag) => logger.warn(lag, lag.lagging ? 'replica lags' : 'replica has caught up'));
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
