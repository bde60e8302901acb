import { databaseEnvironment, serviceEnvironment, TOPOLOGIES } from '@replication-lab/engines/config';
import { z } from 'zod';

const milliseconds = (defaultMs: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(defaultMs);
const count = (defaultCount: number, max: number) =>
  z.coerce.number().int().min(1).max(max).default(defaultCount);

/** Everything an API process reads from its environment. Every default of the service is on this page. */
export const apiEnvironment = databaseEnvironment
  .pick({
    DB_ENGINE: true,
    DB_NODES: true,
    DB_APP_PASSWORD: true,
    DB_APP_READ_ONLY_PASSWORD: true,
    DB_MONITOR_PASSWORD: true,
    DB_TLS_CA: true,
  })
  .extend({
    /** Answered as `Served-By`. */
    API_NAME: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'use letters, digits, dot, dash and underscore')
      .default('api-1'),
    HOST: z.string().min(1).default('0.0.0.0'),
    PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
    ...serviceEnvironment.shape,
    /**
     * With a certificate: where it answers its own machine in clear text, `/livez` and `/readyz` only. For the health check of
     * a container. 0: nowhere.
     */
    PROBE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
    /** Keys that seal consistency tokens, newest first. All replicas of the API need the same ones. */
    TOKEN_KEYS: z
      .string()
      .default('lab-token-key-lab-token-key-lab-0001')
      .transform((text) => text.split(',').map((key) => key.trim()))
      .refine((keys) => keys.every((key) => key.length >= 32), 'each key needs at least 32 characters'),
    /** For the logs only: roles and nodes are always asked. */
    TOPOLOGY: z.enum(TOPOLOGIES).default('replicated'),

    /** Connections per node. */
    POOL_WRITE: count(5, 1000),
    POOL_READ: count(10, 1000),
    /** How often every node is asked for its role and position. */
    POLL_MS: milliseconds(200, 20, 250),
    /** A replica that is further behind serves no `eventual` read. */
    MAX_LAG_MS: milliseconds(10_000, 1, 3_600_000),

    /**
     * Requests under way at most; one more is answered 503 at once. Health and metrics do not count. Somewhat more
     * than the proxy sends at once (256), which counts a request as done a moment before this process does.
     */
    MAX_IN_FLIGHT: count(300, 100_000),
    /** From a request's first byte to the last database call it may wait for. */
    REQUEST_TIMEOUT_MS: milliseconds(5000, 100, 60_000),
    /** How long a write waits for a primary while there is none, before it is answered 503: as long as most failovers take. */
    PRIMARY_WAIT_MS: milliseconds(3000, 0, 30_000),
    /** How long a repeated POST waits for its original that is still under way. */
    IDEMPOTENCY_WAIT_MS: milliseconds(2000, 100, 30_000),
    /** How often stored answers older than a day are removed. */
    IDEMPOTENCY_SWEEP_MS: milliseconds(600_000, 1000, 86_400_000),

    /** From failing `/readyz` to closing the listener: longer than the proxy needs to notice (inter x fall). */
    SHUTDOWN_DRAIN_MS: milliseconds(2500, 0, 60_000),
    /** From the signal to the exit, whatever is still under way. */
    SHUTDOWN_TIMEOUT_MS: milliseconds(15_000, 100, 120_000),

    /** Whose `X-Forwarded-*` headers are believed (Express syntax): private and loopback addresses. */
    TRUST_PROXY: z.string().min(1).default('loopback, linklocal, uniquelocal'),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  })
  .refine((env) => env.SHUTDOWN_TIMEOUT_MS > env.SHUTDOWN_DRAIN_MS, {
    path: ['SHUTDOWN_TIMEOUT_MS'],
    message: 'must be longer than SHUTDOWN_DRAIN_MS',
  });

export type ApiConfig = z.infer<typeof apiEnvironment>;

/** One line for each variable that is wrong, with what mends it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration. A variable set to the empty string counts as not set, as compose files write it.
 * @throws ConfigError naming every wrong variable.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ApiConfig {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = apiEnvironment.safeParse(set);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`the environment is not usable:\n${lines.join('\n')}`);
}

/** The configuration as it may be printed: no secret in it. */
export function printable(config: ApiConfig): Record<string, unknown> {
  return {
    ...config,
    DB_NODES: config.DB_NODES.map((node) => `${node.name}=${node.host}:${node.port}`).join(','),
    DB_TLS_CA: config.DB_TLS_CA === undefined ? 'none: connections in clear text' : 'given',
    DB_APP_PASSWORD: '***',
    DB_APP_READ_ONLY_PASSWORD: '***',
    DB_MONITOR_PASSWORD: '***',
    TOKEN_KEYS: `${config.TOKEN_KEYS.length} key(s)`,
  };
}
