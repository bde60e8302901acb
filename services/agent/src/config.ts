import { isIPv4 } from 'node:net';
import {
  AGENT_PORT,
  AGENT_PROBE_PORT,
  DEFAULT_AGENT_TOKEN,
  DEFAULT_DURABILITY,
  DURABILITIES,
  databaseEnvironment,
  fileText,
  serviceEnvironment,
  TOPOLOGIES,
} from '@replication-lab/engines/config';
import { z } from 'zod';

const ipv4 = z.string().refine(isIPv4, 'an IPv4 address');

/** What the agent reads from its environment. All defaults are here or in the engines' `config.ts`. */
export const agentEnvironment = databaseEnvironment
  .pick({ DB_ENGINE: true, DB_NODES: true, DB_MONITOR_PASSWORD: true, DB_TLS_CA: true })
  .extend({
    /** The node whose host this is. With TOPOLOGY=single it need not be in DB_NODES. */
    NODE_NAME: z.string().regex(/^[a-z0-9-]{1,63}$/),
    NODE_ADDRESS: ipv4,
    HOST: z.string().default('0.0.0.0'),
    AGENT_PORT: z.coerce.number().int().min(1).max(65_535).default(AGENT_PORT),
    ...serviceEnvironment.shape,
    /** Where it answers its own host in clear text, when all others have to speak HTTPS. */
    AGENT_PROBE_PORT: z.coerce.number().int().min(1).max(65_535).default(AGENT_PROBE_PORT),
    /** Orders are carried out for whoever knows it. */
    AGENT_TOKEN: z.string().min(8).default(DEFAULT_AGENT_TOKEN),
    /** Shared with the boot script of this node's database. */
    CONTROL_DIR: z.string().default('/run/lab-control'),
    /** The virtual address that follows the primary; empty: no keepalived. */
    VIP: z.union([ipv4, z.literal('')]).default(''),
    /** The other database hosts, comma separated. */
    PEER_ADDRESSES: z
      .string()
      .default('')
      .transform((text) => text.split(',').filter((entry) => entry !== ''))
      .pipe(z.array(ipv4)),
    KEEPALIVED_TEMPLATE: z.string().default('/app/infra/keepalived/keepalived.conf.template'),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
  });
export type AgentEnvironment = z.infer<typeof agentEnvironment>;

/** What the one-shot bootstrap and the seeding read from their environment. */
export const bootstrapEnvironment = databaseEnvironment.extend({
  TOPOLOGY: z.enum(TOPOLOGIES).default('replicated'),
  DURABILITY: z.enum(DURABILITIES).default(DEFAULT_DURABILITY),
  AGENT_PORT: agentEnvironment.shape.AGENT_PORT,
  AGENT_TOKEN: agentEnvironment.shape.AGENT_TOKEN,
  /** A file with the authority's certificate: with it agents are spoken to over TLS only. */
  AGENT_TLS_CA: fileText,
  /** How long the databases may take until they answer; then bootstrap fails and says which did not. */
  BOOTSTRAP_DEADLINE_MS: z.coerce.number().int().min(1000).default(180_000),
  /** Where the API will answer, for the last line that bootstrap prints. */
  LAB_URL: z.string().default(''),
});
export type BootstrapEnvironment = z.infer<typeof bootstrapEnvironment>;
