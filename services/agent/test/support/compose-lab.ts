import { randomBytes } from 'node:crypto';
import type { EngineName } from '@replication-lab/engines';
import { docker, type Ran } from './docker.ts';
import { freeNetwork, freePort, leftOf } from './docker-place.ts';

export type NodeName = 'db-1' | 'db-2' | 'db-3';
export const NODES: readonly NodeName[] = ['db-1', 'db-2', 'db-3'];

const UP_TIMEOUT_MS = 300_000;

export interface Service {
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
  readonly ExitCode: number;
}

export interface SupervisorSays {
  readonly phase: string;
  readonly primary: string | null;
  readonly epoch: number;
  readonly armed: { readonly ok: boolean };
}

/** One lab under `docker compose`, of its own name, ports and network, so that it meets no other. */
export class ComposeLab {
  readonly engine: EngineName;
  readonly project: string;
  readonly baseUrl: string;
  readonly statsUrl: string;
  readonly httpsUrl: string;
  readonly noticesUrl: string;
  readonly prometheusUrl: string;
  readonly grafanaUrl: string;
  readonly vip: string;
  readonly #env: Record<string, string>;

  private constructor(
    engine: EngineName,
    project: string,
    ports: readonly number[],
    netPrefix: string,
    wanted: Readonly<Record<string, string>>,
  ) {
    this.engine = engine;
    this.project = project;
    this.baseUrl = `http://127.0.0.1:${ports[0]}`;
    this.statsUrl = `http://127.0.0.1:${ports[1]}`;
    this.httpsUrl = `https://127.0.0.1:${ports[3]}`;
    this.noticesUrl = `http://127.0.0.1:${ports[2]}/notices`;
    this.prometheusUrl = `http://127.0.0.1:${ports[4]}`;
    this.grafanaUrl = `http://127.0.0.1:${ports[6]}`;
    this.vip = `${netPrefix}.100`;
    this.#env = {
      COMPOSE_PROJECT_NAME: project,
      ...wanted,
      NET_PREFIX: netPrefix,
      HTTP_PORT: String(ports[0]),
      STATS_PORT: String(ports[1]),
      NOTICES_PORT: String(ports[2]),
      HTTPS_PORT: String(ports[3]),
      PROMETHEUS_PORT: String(ports[4]),
      ALERTMANAGER_PORT: String(ports[5]),
      GRAFANA_PORT: String(ports[6]),
    };
  }

  /** Three databases that replicate as in the textbook: nothing but what a test does changes who is the primary. */
  static create(engine: EngineName): Promise<ComposeLab> {
    return ComposeLab.#make(engine, {
      COMPOSE_PROFILES: `${engine},async`,
      DB_ENGINE: engine,
      TOPOLOGY: 'replicated',
      DURABILITY: 'async',
    });
  }

  /** What `docker compose up` brings when nobody has set anything: MySQL, DURABILITY=quorum. */
  static asItComes(): Promise<ComposeLab> {
    return ComposeLab.#make('mysql', {});
  }

  /** With Prometheus and what belongs to it. */
  static withMonitoring(engine: EngineName): Promise<ComposeLab> {
    return ComposeLab.#make(engine, { COMPOSE_PROFILES: `${engine},quorum,monitoring`, DB_ENGINE: engine });
  }

  static async #make(engine: EngineName, wanted: Readonly<Record<string, string>>): Promise<ComposeLab> {
    const ports: number[] = [];
    while (ports.length < 7) ports.push(await freePort());
    const suffix = randomBytes(3).toString('hex');
    return new ComposeLab(engine, `lab-test-${engine}-${suffix}`, ports, await freeNetwork(), wanted);
  }

  compose(args: readonly string[], env: Readonly<Record<string, string>> = {}, timeoutMs?: number) {
    return docker(['compose', ...args], {
      env: { ...this.#env, ...env },
      ...(timeoutMs ? { timeoutMs } : {}),
    });
  }

  /** As a user would: `docker compose up --wait`. Throws with the containers' words when it does not become ready. */
  async up(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<number> {
    const start = performance.now();
    const ran = await this.compose(['up', '--wait', '--wait-timeout', '240', ...args], env, UP_TIMEOUT_MS);
    if (ran.code !== 0) throw new Error(`docker compose up failed:\n${ran.all}\n${await this.#lastWords()}`);
    return Math.round((performance.now() - start) / 100) / 10;
  }

  async ok(args: readonly string[], timeoutMs?: number): Promise<Ran> {
    const ran = await this.compose(args, {}, timeoutMs);
    if (ran.code !== 0) throw new Error(`docker compose ${args.join(' ')} failed:\n${ran.all}`);
    return ran;
  }

  async services(): Promise<Service[]> {
    const { stdout } = await this.ok(['ps', '--all', '--format', 'json']);
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Service);
  }

  database(node: NodeName): string {
    return `${this.engine}-${node.slice(3)}`;
  }

  /** What the node's agent says of it, asked from inside the network (works with Docker Desktop, too). */
  async health(node: NodeName): Promise<{
    role: string;
    up: boolean;
    vip: boolean;
    epoch: number | null;
    replicating: boolean | null;
  }> {
    const { stdout } = await this.ok([
      'exec',
      '-T',
      node,
      'curl',
      '-sS',
      '--max-time',
      '5',
      '--cacert',
      '/lab/tls/ca.pem',
      'https://localhost:8080/health',
    ]);
    return JSON.parse(stdout);
  }

  /** What a supervisor says of the lab, asked from inside the network; null when it does not answer. */
  async supervisor(name: string): Promise<SupervisorSays | null> {
    const url = `https://${name}:8090/status`;
    const header = 'Authorization: Bearer lab-supervisor-token';
    const asker = (await this.services()).find((s) => s.Service.startsWith('db-') && s.State === 'running');
    const { code, stdout } = await this.compose([
      'exec',
      '-T',
      asker?.Service ?? 'db-1',
      'curl',
      '-sS',
      '--max-time',
      '5',
      '--cacert',
      '/lab/tls/ca.pem',
      '-H',
      header,
      url,
    ]);
    return code === 0 ? JSON.parse(stdout) : null;
  }

  /** Which of these (`ADDRESS/PORT`) accept a connection from this service's container; it needs bash. */
  async reached(from: string, targets: readonly string[]): Promise<string[]> {
    const script =
      'for target; do (timeout 3 bash -c ": <>/dev/tcp/$target" 2>/dev/null && echo "$target") & done; wait';
    const { stdout } = await this.ok(['exec', '-T', from, 'bash', '-c', script, 'reached', ...targets]);
    const answers = stdout.split('\n');
    return targets.filter((target) => answers.includes(target));
  }

  /** The address that a name has on the databases' network. */
  async backAddress(name: string): Promise<string> {
    const { stdout } = await this.ok(['exec', '-T', 'db-1', 'getent', 'ahostsv4', name]);
    return stdout.split(/\s/)[0] ?? '';
  }

  /** The nodes that have the virtual address. */
  async vipHolders(): Promise<NodeName[]> {
    const held = await Promise.all(NODES.map(async (node) => ((await this.health(node)).vip ? [node] : [])));
    return held.flat();
  }

  /** One SQL text as administrator, through the engine's own client in the node's container; returns its bare output. */
  sql(node: NodeName, text: string): Promise<string> {
    return this.#client(node, this.engine === 'postgres' ? 'postgres' : 'root', 'lab-admin', text, null);
  }

  /** The same as the application, from this node's container, to any host: how a plain client uses the address. */
  sqlAsApp(from: NodeName, host: string, text: string): Promise<string> {
    return this.#client(from, 'app', 'lab-app', text, host);
  }

  async #client(
    node: NodeName,
    user: string,
    password: string,
    text: string,
    host: string | null,
  ): Promise<string> {
    const service = this.database(node);
    const target = host ?? '127.0.0.1';
    const args =
      this.engine === 'postgres'
        ? [
            '-e',
            `PGPASSWORD=${password}`,
            '-e',
            'PGCONNECT_TIMEOUT=2',
            service,
            'psql',
            '-X',
            '-h',
            target,
            '-U',
            user,
            '-d',
            'lab',
            '-Atc',
            text,
          ]
        : [
            '-e',
            `MYSQL_PWD=${password}`,
            service,
            this.engine === 'mysql' ? 'mysql' : 'mariadb',
            '--protocol=tcp',
            `--host=${target}`,
            `--user=${user}`,
            '--connect-timeout=2',
            '--batch',
            '--skip-column-names',
            `--execute=${text}`,
            'lab',
          ];
    return (await this.ok(['exec', '-T', ...args], 30_000)).stdout.trim();
  }

  /** `docker compose down --volumes`; throws when anything of the lab is left. */
  async downAndNothingLeft(): Promise<void> {
    await this.ok(['down', '--volumes'], 120_000);
    const names = await leftOf(this.project);
    if (names !== '') throw new Error(`docker compose down --volumes left: ${names}`);
  }

  async #lastWords(): Promise<string> {
    const { all } = await this.compose(['logs', '--no-color', '--tail', '15']);
    return all;
  }
}
