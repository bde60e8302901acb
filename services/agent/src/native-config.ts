import { databaseEnvironment, serviceEnvironment } from '@replication-lab/engines/config';
import { z } from 'zod';
import { agentEnvironment } from './config.ts';

/** What the agent of a native lab reads from its environment: one process for the nodes of one machine. */
export const nativeAgentEnvironment = databaseEnvironment
  .pick({
    DB_ENGINE: true,
    /** The nodes whose servers run on this machine, each answered for on its own address. */
    DB_NODES: true,
    DB_ADMIN_PASSWORD: true,
    DB_SUPERVISOR_PASSWORD: true,
    DB_MONITOR_PASSWORD: true,
    DB_REPLICATION_PASSWORD: true,
    DB_TLS_CA: true,
    DB_TLS_NODE_DIR: true,
    DB_TLS_REPLICATION_DIR: true,
  })
  .extend({
    /** The lab's state directory: a node's files are below `ENGINE/NODE` in it. */
    NATIVE_STATE_DIR: z.string().min(1),
    /** 1: supervisors look after the nodes; see `ServerSpec.supervised`. */
    SUPERVISED: z.enum(['0', '1']).default('0'),
    AGENT_PORT: agentEnvironment.shape.AGENT_PORT,
    AGENT_TOKEN: agentEnvironment.shape.AGENT_TOKEN,
    /** `{node}` in them stands for a node's name. */
    ...serviceEnvironment.shape,
    LOG_LEVEL: agentEnvironment.shape.LOG_LEVEL,
  });
export type NativeAgentEnvironment = z.infer<typeof nativeAgentEnvironment>;
