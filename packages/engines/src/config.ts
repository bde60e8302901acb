import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NODE_NAMES, SUPERVISOR_NAMES, SUPERVISOR_USER, TLS_FILES } from './names.ts';
import {
  type Accounts,
  ENGINE_NAMES,
  type Endpoint,
  type EngineName,
  type NodeTlsFiles,
  type ReplicationAccount,
} from './types.ts';

export * from './names.ts';

const nodeList = z
  .string()
  .regex(/^[a-z0-9-]+=[^=,\s]+:\d+(,[a-z0-9-]+=[^=,\s]+:\d+)*$/, 'write it as db-1=HOST:PORT,db-2=HOST:PORT')
  .transform((text): Endpoint[] =>
    text.split(',').map((entry) => {
      const [name, address] = entry.split('=') as [string, string];
      const colon = address.lastIndexOf(':');
      return { name, host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    }),
  );

/** The text of the file that is named. Empty: none. */
export const fileText = z
  .string()
  .optional()
  .transform((path, context): string | undefined => {
    if (!path) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      context.addIssue({ code: 'custom', message: `cannot be read: ${(error as Error).message}` });
      return z.NEVER;
    }
  });

/**
 * What every process of the lab reads from its environment to find the databases. All defaults are here and in `names.ts`.
 * The passwords are the lab's own and open nothing but the lab: every port is bound to loopback or a private network.
 */
export const databaseEnvironment = z.object({
  DB_ENGINE: z.enum(ENGINE_NAMES).default('mysql'),
  /** All nodes of the topology, in any order: `db-1=HOST:PORT,…`. Roles are asked, never configured. */
  DB_NODES: nodeList,
  DB_ADMIN_PASSWORD: z.string().min(1).default('lab-admin'),
  DB_SUPERVISOR_PASSWORD: z.string().min(1).default('lab-supervisor'),
  DB_APP_PASSWORD: z.string().min(1).default('lab-app'),
  DB_APP_READ_ONLY_PASSWORD: z.string().min(1).default('lab-app-ro'),
  DB_MONITOR_PASSWORD: z.string().min(1).default('lab-monitor'),
  DB_BACKUP_PASSWORD: z.string().min(1).default('lab-backup'),
  DB_REPLICATION_PASSWORD: z.string().min(1).default('lab-replication'),
  /** A file with the authority's certificate: with it every connection to a database is encrypted and verified. */
  DB_TLS_CA: fileText,
  /** Where a node's TLS folder (`TLS_FILES`) is on its own machine; `{node}` stands for its name. */
  DB_TLS_NODE_DIR: z.string().default(''),
  /** A folder with `ACCOUNT.pem` of every node's replication account. For supervisors and bootstrap. */
  DB_TLS_REPLICATION_DIR: z.string().default(''),
});
/**
 * When a commit is acknowledged. `quorum`: when a replica has received it, and supervisors promote one when the primary is
 * gone. `async`: at once, as in the textbook; what was acknowledged may be lost with the primary.
 */
export const DURABILITIES = ['quorum', 'async'] as const;
export type Durability = (typeof DURABILITIES)[number];
export const DEFAULT_DURABILITY: Durability = 'quorum';

export const TOPOLOGIES = ['single', 'replicated'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** Who acts: one node has nobody to promote, and without quorum commit nobody may be promoted. */
export const supervisorNames = (lab: {
  readonly topology: Topology;
  readonly durability: Durability;
}): readonly string[] =>
  lab.topology === 'replicated' && lab.durability === 'quorum' ? SUPERVISOR_NAMES : [];

export type DatabaseEnvironment = z.infer<typeof databaseEnvironment>;

/** The certificate that a service shows: see `https.ts`. Without: it speaks plain HTTP. */
export const serviceEnvironment = z.object({
  TLS_CERT_FILE: z.string().default(''),
  TLS_KEY_FILE: z.string().default(''),
});

/** The account of the engine's own superuser: the official images create these. */
export const ADMIN_USER: Readonly<Record<EngineName, string>> = {
  mysql: 'root',
  mariadb: 'root',
  postgres: 'postgres',
};

/** Replication account of a node: `db-2` replicates as `repl_db_2`. */
export const replicationUser = (node: string): string => `repl_${node.replaceAll('-', '_')}`;

/** The nodes as a client connects to them. */
export function nodesFrom({
  DB_NODES,
  DB_TLS_CA: ca,
}: Pick<DatabaseEnvironment, 'DB_NODES' | 'DB_TLS_CA'>): readonly Endpoint[] {
  if (ca === undefined) return DB_NODES;
  const tls = { ca };
  return DB_NODES.map((node) => ({ ...node, tls }));
}

export function nodeTlsFiles(directory: string): NodeTlsFiles {
  return {
    ca: join(directory, TLS_FILES.ca),
    server: join(directory, TLS_FILES.server),
    replication: join(directory, TLS_FILES.replication),
  };
}

type ReplicationEnvironment = Pick<DatabaseEnvironment, 'DB_REPLICATION_PASSWORD'> &
  Partial<Pick<DatabaseEnvironment, 'DB_TLS_CA' | 'DB_TLS_NODE_DIR' | 'DB_TLS_REPLICATION_DIR'>>;

/**
 * Throws Error when only a part of what TLS needs is given: replicas would be told to follow unverified. (Without its password
 * nobody can use the account: the API is given neither.)
 */
export function replicationAccount(node: string, env: ReplicationEnvironment): ReplicationAccount {
  const account = { user: replicationUser(node), password: env.DB_REPLICATION_PASSWORD };
  const { DB_TLS_NODE_DIR: nodeDirectory, DB_TLS_REPLICATION_DIR: directory } = env;
  if (!nodeDirectory || !directory) {
    if (env.DB_TLS_CA !== undefined && account.password !== '')
      throw new Error(
        'DB_TLS_CA is given, and so DB_TLS_NODE_DIR and DB_TLS_REPLICATION_DIR are needed: all three, or none',
      );
    return account;
  }
  const files = nodeTlsFiles(nodeDirectory.replaceAll('{node}', node));
  return { ...account, tls: { node: files, file: join(directory, `${account.user}.pem`) } };
}

/** Only what makes accounts or backups is given the password of the account for backups. */
type AccountsEnvironment = Omit<
  DatabaseEnvironment,
  'DB_NODES' | 'DB_TLS_CA' | 'DB_TLS_NODE_DIR' | 'DB_TLS_REPLICATION_DIR' | 'DB_BACKUP_PASSWORD'
> &
  Partial<DatabaseEnvironment>;

export function accountsFrom(env: AccountsEnvironment, nodes: readonly string[] = NODE_NAMES): Accounts {
  return {
    admin: { user: ADMIN_USER[env.DB_ENGINE], password: env.DB_ADMIN_PASSWORD },
    supervisor: { user: SUPERVISOR_USER, password: env.DB_SUPERVISOR_PASSWORD },
    app: { user: 'app', password: env.DB_APP_PASSWORD },
    appReadOnly: { user: 'app_ro', password: env.DB_APP_READ_ONLY_PASSWORD },
    monitor: { user: 'monitor', password: env.DB_MONITOR_PASSWORD },
    backup: { user: 'backup', password: env.DB_BACKUP_PASSWORD ?? '' },
    replication: Object.fromEntries(nodes.map((node) => [node, replicationAccount(node, env)])),
    ...(env.DB_TLS_CA !== undefined && { tls: true }),
  };
}

/** Reads a process's configuration; prints what is wrong and exits 2 when it cannot. */
export function readEnvironment<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv = process.env): T {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  console.error(`The configuration cannot be used:\n${z.prettifyError(parsed.error)}`);
  process.exit(2);
}
