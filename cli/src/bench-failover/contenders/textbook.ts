import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { pause, waitFor } from '../../wait.ts';
import { killPostmaster } from '../children.ts';
import {
  CLIENT,
  copyTemplate,
  nodesOf,
  REPLICATION,
  startServer,
  tryAsSuperuser,
  wholePrimary,
  writeOwned,
} from '../postgres.ts';
import { templateOf } from '../template.ts';
import type { BenchNode, Cluster, Contender, Place } from '../types.ts';

const CHECK_EVERY_MS = 2_000;
const CHECK_ENDS_MS = 2_000;
const FALL = 3;
const WHOLE_MS = 60_000;

export const textbook: Contender = {
  name: 'textbook',
  title: 'asynchronous replicas, a check script and `pg_promote`',
  setup:
    'PostgreSQL with its defaults and two asynchronous replicas. `pg_isready` every 2 s in the manner of a keepalived ' +
    '`vrrp_script` (`interval 2`, `fall 3`); after the third failure `pg_promote` on `db-2`. There is no virtual IP on loopback: ' +
    'the time in which VRRP moves the address would come on top.',
  needs: [],
  faults: ['server'],
  looksEveryMs: CHECK_EVERY_MS,
  async start(place, signal) {
    const template = await templateOf(place, signal);
    return new Textbook(place, template);
  },
};

class Textbook implements Cluster {
  readonly nodes: readonly BenchNode[];
  readonly login = CLIENT;
  readonly #place: Place;
  readonly #template: string;
  #watch = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  constructor(place: Place, template: string) {
    this.#place = place;
    this.#template = template;
    this.nodes = nodesOf(place);
  }

  /** Made anew for each trial: nothing in the textbook brings an old primary back. */
  async prepare(signal: AbortSignal): Promise<string> {
    await this.stop();
    const [primary, ...replicas] = this.nodes as [BenchNode, ...BenchNode[]];
    for (const node of this.nodes) await copyTemplate(this.#place, this.#template, node, signal);
    for (const replica of replicas) await this.#follow(replica, primary);
    for (const node of this.nodes) await startServer(this.#place, node);
    const wait = { what: 'the textbook’s replicas to follow', timeoutMs: WHOLE_MS, signal };
    await waitFor(() => wholePrimary(this.nodes, false), wait);
    this.#watch = new AbortController();
    this.#watching = this.#watchOver(primary, replicas[0]!, this.#watch.signal).catch(() => {});
    return primary.name;
  }

  async #follow(replica: BenchNode, { host, port }: BenchNode): Promise<void> {
    const { user, password } = REPLICATION;
    await writeOwned(this.#place, join(replica.dataDir, 'standby.signal'), '');
    const source = `host=${host} port=${port} user=${user} password=${password}`;
    await appendFile(join(replica.dataDir, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
  }

  /** The script: counts failures in a row, promotes after the third, and is done. */
  async #watchOver(primary: BenchNode, heir: BenchNode, signal: AbortSignal): Promise<void> {
    for (let failures = 0; failures < FALL; ) {
      await pause(CHECK_EVERY_MS, signal);
      failures = (await this.#answers(primary)) ? 0 : failures + 1;
    }
    await tryAsSuperuser(heir, 'SELECT pg_promote(true, 60)');
  }

  async #answers({ host, port }: BenchNode): Promise<boolean> {
    const args = ['-h', host, '-p', String(port), '-t', '1'];
    const options = { reject: false, stdin: 'ignore', timeout: CHECK_ENDS_MS } as const;
    return (await execa(join(this.#place.bin, 'pg_isready'), args, options)).exitCode === 0;
  }

  async strike(node: BenchNode): Promise<void> {
    await killPostmaster(node.dataDir);
  }

  async stop(): Promise<void> {
    this.#watch.abort();
    await this.#watching;
    await this.#place.children.killAll();
  }
}
