import { setMaxListeners } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CertificatePlan,
  caFile,
  ensureCertificates,
  nodeDirectory,
  replicationDirectory,
} from '@replication-lab/certificates';
import { type BootstrapResult, runBootstrap } from '../bootstrap/index.ts';
import {
  accountsFrom,
  DATABASE_NAME,
  DEFAULT_PORT,
  nodesFrom,
  nodeTlsFiles,
  replicationUser,
} from '../config.ts';
import { engineOf } from '../engines.ts';
import { LocalNode } from '../local/local-node.ts';
import { runAsFor } from '../local/run-as.ts';
import type { Accounts, Connection, Endpoint, EngineName, ServerSpec } from '../types.ts';

export interface ClusterOptions {
  /** The first three numbers of the nodes' addresses, for example `127.0.33`: each suite has its own. */
  readonly subnet: string;
  readonly nodes?: number;
  readonly stateDir?: string;
  /** Only make the data and start the servers, all closed; call `bootstrap` when it suits. */
  readonly bootstrapped?: boolean;
  /** See `ServerSpec.supervised`: replicas do not follow anybody by themselves after a restart. */
  readonly supervised?: boolean;
  /** Certificates for all, and clear text for nobody. `alsoFor`: another address that db-1's is good for. */
  readonly tls?: boolean | { readonly alsoFor: string };
}

/** Real servers on this machine, for tests. */
export class Cluster implements AsyncDisposable {
  readonly engine: EngineName;
  readonly nodes: readonly Endpoint[];
  readonly accounts: Accounts;
  readonly database = DATABASE_NAME;
  readonly stateDir: string;
  /** Where its certificates are; null without. */
  readonly tlsRoot: string | null;
  readonly #local: ReadonlyMap<string, LocalNode>;

  constructor(
    engine: EngineName,
    stateDir: string,
    nodes: readonly Endpoint[],
    {
      runAs,
      supervised = false,
      tlsRoot,
    }: Pick<ServerSpec, 'runAs' | 'supervised'> & { readonly tlsRoot: string | null },
  ) {
    this.engine = engine;
    this.stateDir = stateDir;
    this.nodes = nodes;
    this.accounts = accountsFrom(
      {
        DB_ENGINE: engine,
        DB_ADMIN_PASSWORD: 'lab-admin',
        DB_SUPERVISOR_PASSWORD: 'lab-supervisor',
        DB_APP_PASSWORD: 'lab-app',
        DB_APP_READ_ONLY_PASSWORD: 'lab-app-ro',
        DB_MONITOR_PASSWORD: 'lab-monitor',
        DB_BACKUP_PASSWORD: 'lab-backup',
        DB_REPLICATION_PASSWORD: 'lab-replication',
        ...(tlsRoot && {
          DB_TLS_CA: nodes[0]?.tls?.ca,
          DB_TLS_NODE_DIR: nodeDirectory(tlsRoot, '{node}'),
          DB_TLS_REPLICATION_DIR: replicationDirectory(tlsRoot),
        }),
      },
      nodes.map(({ name }) => name),
    );
    this.tlsRoot = tlsRoot;
    const specOf = (node: Endpoint, i: number): ServerSpec => ({
      node,
      serverId: i + 1,
      stateDir: join(stateDir, node.name),
      admin: this.accounts.admin,
      supervisor: this.accounts.supervisor,
      replication: this.accounts.replication[node.name]!,
      runAs,
      supervised,
      ...(tlsRoot && { tls: nodeTlsFiles(nodeDirectory(tlsRoot, node.name)) }),
    });
    this.#local = new Map(
      nodes.map((node, i) => [node.name, new LocalNode(specOf(node, i), engineOf(engine))]),
    );
  }

  endpoint(name: string): Endpoint {
    return this.local(name).spec.node;
  }

  local(name: string): LocalNode {
    const node = this.#local.get(name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** A new connection of the administrator to the lab's database. The caller closes it. */
  admin(name: string): Promise<Connection> {
    return this.local(name).connectAdmin(DATABASE_NAME);
  }

  start(name: string): Promise<void> {
    return this.local(name).start();
  }

  /** Politely. */
  stop(name: string): Promise<void> {
    return this.local(name).stop();
  }

  /** `SIGKILL`, or the signal given (SIGSTOP and SIGCONT freeze and thaw). */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.local(name).kill(signal);
  }

  /** Every node that has data, or can have data of its own, started side by side. All are closed. */
  async startAll(): Promise<void> {
    const copies = engineOf(this.engine).admin.replicaNeedsCopy;
    await Promise.all(
      [...this.#local.values()].map(async (node, i) => {
        if (node.isEmpty() && copies && i > 0) return;
        if (node.isEmpty()) await node.initialise();
        await node.start();
      }),
    );
  }

  /** `only`: as if the other nodes were not part of the lab. */
  bootstrap(
    options: { only?: readonly string[]; graceMs?: number; progress?: (message: string) => void } = {},
  ): Promise<BootstrapResult> {
    const { only, graceMs, progress = () => {} } = options;
    const wait = AbortSignal.timeout(120_000);
    setMaxListeners(50, wait);
    return runBootstrap(
      {
        engine: engineOf(this.engine),
        nodes: this.nodes.filter(({ name }) => only?.includes(name) ?? true),
        accounts: this.accounts,
        database: this.database,
        // Of a supervised cluster the test's supervisors arm the primary.
        durability: 'async',
        ...(graceMs !== undefined && { graceMs }),
        isEmpty: async ({ name }) => this.local(name).isEmpty(),
        copyData: async ({ name }, source, signal) => {
          await this.local(name).copyFrom(source, signal);
          await this.start(name);
        },
      },
      progress,
      wait,
    );
  }

  /** Ends every server without ceremony and removes what they wrote. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#local.values()].map((node) => node.kill('SIGKILL')));
    await rm(this.stateDir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A cluster with an open primary (db-1) and replicas that have caught up, unless `bootstrapped` is false. */
export async function startCluster(engine: EngineName, options: ClusterOptions): Promise<Cluster> {
  const stateDir = options.stateDir ?? (await mkdtemp('/var/tmp/rl-test-'));
  await chmod(stateDir, 0o711);
  const runAs = await runAsFor(engine);
  const plain = Array.from({ length: options.nodes ?? 3 }, (_, i) => ({
    name: `db-${i + 1}`,
    host: `${options.subnet}.${i + 1}`,
    port: DEFAULT_PORT[engine],
  }));
  const tlsRoot = options.tls ? join(stateDir, 'tls') : null;
  const cluster = new Cluster(
    engine,
    stateDir,
    tlsRoot ? await certified(plain, tlsRoot, runAs, options.tls) : plain,
    {
      runAs,
      supervised: options.supervised ?? false,
      tlsRoot,
    },
  );
  try {
    await cluster.startAll();
    if (options.bootstrapped ?? true) await cluster.bootstrap();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** The nodes as clients connect to them, once all certificates are there. */
async function certified(
  nodes: readonly Endpoint[],
  root: string,
  serverOwner: ServerSpec['runAs'],
  tls: ClusterOptions['tls'],
): Promise<readonly Endpoint[]> {
  const alsoFor = typeof tls === 'object' ? [tls.alsoFor] : [];
  await ensureCertificates(certificatesFor(nodes, root, serverOwner, alsoFor));
  return nodesFrom({ DB_NODES: [...nodes], DB_TLS_CA: await readFile(caFile(root), 'utf8') });
}

/** `alsoFor`: more addresses that the first node's certificate is good for. */
export const certificatesFor = (
  nodes: readonly Endpoint[],
  root: string,
  serverOwner: ServerSpec['runAs'],
  alsoFor: readonly string[],
  services: CertificatePlan['services'] = [],
): CertificatePlan => ({
  root,
  nodes: nodes.map(({ name, host }, i) => ({
    name,
    addresses: [name, host, ...(i === 0 ? alsoFor : [])],
    account: replicationUser(name),
  })),
  services,
  proxyAddresses: ['localhost'],
  serverOwner,
  agentOwner: null,
  supervisorOwner: null,
  serviceOwner: null,
  proxyOwner: null,
});
