import { join } from 'node:path';
import { request } from 'undici';
import { findProgram, type Need } from '../../native/packages.ts';
import { pause, waitFor } from '../../wait.ts';
import { killPostmaster } from '../children.ts';
import {
  CLIENT,
  copyTemplate,
  makeOwned,
  nodesOf,
  REPLICATION,
  SUPERUSER,
  wholePrimary,
  writeOwned,
} from '../postgres.ts';
import { templateOf } from '../template.ts';
import { type BenchNode, type Cluster, type Contender, FAULTS, type Fault, type Place } from '../types.ts';

const REST_PORT = 8008;
const ETCD_PORT = 2379;
const SCOPE = 'bench';
const WHOLE_MS = 120_000;
const ASK_MS = 2_000;

/** What Patroni keeps in etcd; names and units (seconds) are its own. */
export interface Timing {
  readonly ttl: number;
  readonly loop_wait: number;
  readonly retry_timeout: number;
  readonly primary_start_timeout: number;
  readonly synchronous_mode: boolean;
}

const AS_IT_COMES: Timing = {
  ...{ ttl: 30, loop_wait: 10, retry_timeout: 10, primary_start_timeout: 300 },
  synchronous_mode: false,
};
/** The smallest values that its documentation names, and a failover in place of a restart. */
const TUNED: Timing = {
  ...{ ttl: 20, loop_wait: 1, retry_timeout: 3, primary_start_timeout: 0 },
  synchronous_mode: true,
};
/** Between trials only, so that a cluster becomes whole again sooner. The lease keeps the length that is measured. */
const HURRY = { loop_wait: 1, retry_timeout: 3 };

const needs: Need[] = [
  { what: 'Patroni', packages: ['patroni'], present: async () => (await findProgram('patroni')) !== null },
  { what: 'etcd', packages: ['etcd-server'], present: async () => (await findProgram('etcd')) !== null },
];

const where = 'From the distribution’s package, with one etcd that stays alive, on this machine.';

export const patroni: Contender = {
  name: 'patroni',
  title: 'Patroni with etcd, as it comes',
  setup: `${where} \`ttl\` 30, \`loop_wait\` 10, \`retry_timeout\` 10, asynchronous, \`use_pg_rewind\` as in its example. After a crash it first starts the primary again in its place (\`primary_start_timeout\` 300).`,
  needs,
  faults: FAULTS,
  looksEveryMs: AS_IT_COMES.loop_wait * 1000,
  start: (place, signal) => start(place, AS_IT_COMES, signal),
};

export const patroniTuned: Contender = {
  name: 'patroni-tuned',
  title: 'Patroni with etcd, tuned, `synchronous_mode`',
  setup: `${where} \`ttl\` 20, \`loop_wait\` 1, \`retry_timeout\` 3: the smallest values that its documentation names (the packaged version itself does not check). \`primary_start_timeout\` 0: a failover in place of a restart. \`synchronous_mode\` on, so that an acknowledged write is on two nodes.`,
  needs,
  faults: FAULTS,
  looksEveryMs: TUNED.loop_wait * 1000,
  start: (place, signal) => start(place, TUNED, signal),
};

async function start(place: Place, timing: Timing, signal: AbortSignal): Promise<Cluster> {
  const template = await templateOf(place, signal);
  const cluster = new Patroni(place, timing);
  await cluster.create(template, signal);
  return cluster;
}

class Patroni implements Cluster {
  readonly nodes: readonly BenchNode[];
  readonly login = CLIENT;
  readonly #place: Place;
  readonly #timing: Timing;
  readonly #etcd: string;

  constructor(place: Place, timing: Timing) {
    this.#place = place;
    this.#timing = timing;
    this.nodes = nodesOf(place);
    this.#etcd = `http://${place.loopback}.50.9:${ETCD_PORT}`;
  }

  async create(template: string, signal: AbortSignal): Promise<void> {
    await this.#startEtcd(signal);
    await this.#configure({ ...this.#timing, ...HURRY });
    for (const node of this.nodes) {
      await copyTemplate(this.#place, template, node, signal);
      const config = configOf(this.#place, node, this.#etcd.replace('http://', ''));
      // Its configuration is YAML, of which JSON is a part.
      await writeOwned(this.#place, configFile(this.#place, node), JSON.stringify(config, null, 2));
    }
  }

  async #startEtcd(signal: AbortSignal): Promise<void> {
    const { children, directory, runAs, loopback } = this.#place;
    const peer = `http://${loopback}.50.9:${ETCD_PORT + 1}`;
    await makeOwned(this.#place, directory);
    const args = [
      ...['--data-dir', join(directory, 'etcd'), '--name', 'etcd'],
      ...['--listen-client-urls', this.#etcd, '--advertise-client-urls', this.#etcd],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `etcd=${peer}`],
    ];
    await children.start('etcd', { file: 'etcd', args, runAs, logFile: join(directory, 'etcd.log') });
    const wait = { what: 'etcd to answer', timeoutMs: 30_000, signal };
    await waitFor(() => getJson(`${this.#etcd}/health`), wait);
  }

  /** Patroni watches this key, and takes what is in it at once. */
  async #configure(timing: Timing): Promise<void> {
    const value = { ...timing, postgresql: { use_pg_rewind: true } };
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const body = { key: base64(`/service/${SCOPE}/config`), value: base64(JSON.stringify(value)) };
    const { statusCode, body: answer } = await request(`${this.#etcd}/v3/kv/put`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      ...{ headersTimeout: ASK_MS, bodyTimeout: ASK_MS },
    });
    await answer.dump();
    if (statusCode !== 200) throw new Error(`etcd took no configuration: ${statusCode}`);
  }

  async prepare(signal: AbortSignal): Promise<string> {
    await this.#configure({ ...this.#timing, ...HURRY });
    for (const node of this.nodes) await this.#startPatroni(node);
    const wait = { what: 'Patroni’s cluster to be whole', timeoutMs: WHOLE_MS, everyMs: 200, signal };
    const primary = await waitFor(() => this.#wholePrimary(), wait);
    await this.#configure(this.#timing);
    // Two rounds of everybody at the pace of between trials: from then on all keep the one that is measured.
    await pause(2 * HURRY.loop_wait * 1000, signal);
    return primary.name;
  }

  async #startPatroni(node: BenchNode): Promise<void> {
    const { children, runAs, directory } = this.#place;
    if (children.isRunning(node.name)) return;
    const args = [configFile(this.#place, node)];
    const logFile = join(directory, `${node.name}.log`);
    await children.start(node.name, { file: 'patroni', args, runAs, logFile });
  }

  /** Both what the databases say and what Patroni believes: a failover needs both. */
  async #wholePrimary(): Promise<BenchNode | null> {
    const { synchronous_mode } = this.#timing;
    const primary = await wholePrimary(this.nodes, synchronous_mode);
    if (!primary) return null;
    const seen = await getJson<{ members: Member[] }>(`http://${primary.host}:${REST_PORT}/cluster`);
    return seen && isReady(seen.members, primary.name, synchronous_mode) ? primary : null;
  }

  async strike(node: BenchNode, fault: Fault): Promise<void> {
    // Patroni first: else it might still tell etcd that its primary is gone.
    if (fault === 'host') await this.#place.children.kill(node.name);
    await killPostmaster(node.dataDir);
  }

  async stop(): Promise<void> {
    await this.#place.children.killAll();
  }
}

export interface Member {
  readonly name: string;
  readonly role: string;
  readonly state: string;
}

/** Does Patroni see a leader with two running replicas, one of them synchronous where it has to be? Pure. */
export function isReady(members: readonly Member[], primary: string, synchronous: boolean): boolean {
  const runs = ({ state }: Member) => state === 'running' || state === 'streaming';
  const leads = members.some(({ name, role }) => name === primary && role === 'leader');
  const hasHeir = !synchronous || members.some(({ role }) => role === 'sync_standby');
  return members.length === 3 && members.every(runs) && leads && hasHeir;
}

const configFile = ({ directory }: Place, { name }: BenchNode): string => join(directory, `${name}.yml`);

function configOf(place: Place, node: BenchNode, etcd: string) {
  const address = (port: number) => `${node.host}:${port}`;
  const account = ({ user, password }: { user: string; password: string }) => ({ username: user, password });
  return {
    scope: SCOPE,
    name: node.name,
    restapi: { listen: address(REST_PORT), connect_address: address(REST_PORT) },
    etcd3: { host: etcd },
    postgresql: {
      listen: address(node.port),
      connect_address: address(node.port),
      data_dir: node.dataDir,
      bin_dir: place.bin,
      pgpass: join(place.directory, `${node.name}.pgpass`),
      authentication: {
        superuser: account(SUPERUSER),
        replication: account(REPLICATION),
        rewind: account(SUPERUSER),
      },
      parameters: { unix_socket_directories: '' },
    },
  };
}

/** Null: no answer, or none with status 200. */
async function getJson<T>(url: string): Promise<T | null> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: ASK_MS, bodyTimeout: ASK_MS });
    const answer = await body.json();
    return statusCode === 200 ? (answer as T) : null;
  } catch {
    return null;
  }
}
