import { rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { createRouter, type RouterOptions } from '../src/index.ts';
import { Random } from './random.ts';
import { type ClientState, type Control, type Done, MIX, newClient, Operator } from './sessions-client.ts';
import { newTally, type Tally } from './sessions-tally.ts';
import { clockMs } from './setup.ts';
import { count, Histogram, type HistogramData } from './statistics.ts';

export interface WorkerPlan {
  readonly index: number;
  /** Sockets of all workers, on which clients come in; this one's is `sockets[index]`. */
  readonly sockets: readonly string[];
  readonly router: RouterOptions;
  /** Clients that begin here. */
  readonly clients: readonly number[];
  /** Operations at once. */
  readonly concurrency: number;
  readonly seed: number;
  readonly control: Control;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'tally'; readonly tally: Tally }
  | {
      readonly kind: 'done';
      readonly tally: Tally;
      readonly latency: Readonly<Record<string, HistogramData>>;
      /** Of this process, all in all. */
      readonly cpuSeconds: number;
    };
export type ToWorker =
  | { readonly kind: 'plan'; readonly plan: WorkerPlan }
  | { readonly kind: 'start' | 'stop' };

/** A client on its way, and whether its next operation follows at once. */
type Traveller = readonly [atOnce: boolean, client: ClientState];

const TELL_EVERY_MS = 100;
const EXAMPLES = 5;

/** One instance of a service: a router of its own, and the clients whose next request happens to arrive here. */
class Worker {
  readonly #plan: WorkerPlan;
  readonly #router: ReturnType<typeof createRouter>;
  readonly #operator: Operator;
  readonly #peers = new Map<number, Socket>();
  readonly #outbox = new Map<number, Traveller[]>();
  readonly #atOnce: ClientState[] = [];
  readonly #waiting: ClientState[] = [];
  readonly #latency: Record<string, Histogram> = {};
  readonly #idle = Promise.withResolvers<void>();
  #tally = newTally(clockMs());
  #running = 0;
  #stopped = false;

  constructor(plan: WorkerPlan) {
    this.#plan = plan;
    this.#router = createRouter(plan.router);
    this.#operator = new Operator(this.#router, plan.router.engine, plan.control);
  }

  /** Listens for clients, and is ready when the router is. */
  async open(): Promise<void> {
    const own = this.#plan.sockets[this.#plan.index]!;
    await rm(own, { force: true });
    const server = createServer((socket) => {
      socket.on('error', () => {});
      createInterface({ input: socket }).on('line', (line) => {
        for (const [atOnce, client] of JSON.parse(line) as Traveller[]) this.#take(client, atOnce);
        this.#pump();
      });
    });
    await new Promise<void>((resolve) => server.listen(own, resolve));
    server.unref();
    await this.#router.ready();
  }

  start(): void {
    this.#plan.sockets.forEach((path, index) => {
      if (index === this.#plan.index) return;
      const socket = createConnection(path);
      socket.on('error', () => {});
      this.#peers.set(index, socket);
    });
    this.#tally = newTally(clockMs());
    for (const id of this.#plan.clients) this.#waiting.push(newClient(id, this.#plan.seed));
    setInterval(() => tell({ kind: 'tally', tally: this.#takeTally() }), TELL_EVERY_MS).unref();
    this.#pump();
  }

  /** Lets what is under way end, and answers what is left to tell. */
  async stop(): Promise<FromWorker> {
    this.#stopped = true;
    if (this.#running === 0) this.#idle.resolve();
    await this.#idle.promise;
    await this.#router.close();
    for (const socket of this.#peers.values()) socket.destroy();
    const latency = Object.fromEntries(
      Object.entries(this.#latency).map(([name, histogram]) => [name, histogram.data()]),
    );
    const { user, system } = process.cpuUsage();
    return { kind: 'done', tally: this.#takeTally(), latency, cpuSeconds: (user + system) / 1e6 };
  }

  #take(client: ClientState, atOnce: boolean): void {
    (atOnce ? this.#atOnce : this.#waiting).push(client);
  }

  #pump(): void {
    while (!this.#stopped && this.#running < this.#plan.concurrency) {
      const client = this.#atOnce.shift() ?? this.#waiting.shift();
      if (!client) return;
      this.#running += 1;
      this.#serve(client).catch(fail);
    }
  }

  async #serve(client: ClientState): Promise<void> {
    const random = new Random(client.random);
    const done = await this.#operator.step(client, random);
    this.#running -= 1;
    this.#count(done);
    const atOnce = random.next() < (done.kind === 'write' ? MIX.atOnceAfterWrite : MIX.atOnceAfterRead);
    const to = random.below(this.#plan.sockets.length);
    client.random = random.state;
    if (this.#stopped) {
      if (this.#running === 0) this.#idle.resolve();
      return;
    }
    if (to === this.#plan.index) this.#take(client, atOnce);
    else this.#send(to, client, atOnce);
    this.#pump();
  }

  /** Clients that leave in the same turn of the event loop travel together. */
  #send(to: number, client: ClientState, atOnce: boolean): void {
    if (this.#plan.control === 'lost-token') client.token = undefined;
    this.#tally.hops += 1;
    if (this.#outbox.size === 0) setImmediate(() => this.#flush());
    const box = this.#outbox.get(to) ?? [];
    this.#outbox.set(to, box);
    box.push([atOnce, client]);
  }

  #flush(): void {
    for (const [to, box] of this.#outbox) this.#peers.get(to)?.write(`${JSON.stringify(box)}\n`);
    this.#outbox.clear();
  }

  #count(done: Done): void {
    const tally = this.#tally;
    if (done.kind === 'error') {
      count(tally.errors, `${done.of} ${done.code}`);
      return;
    }
    if (done.kind === 'write') {
      tally.writes += 1;
      this.#time('write', done.ms);
      return;
    }
    const { judged } = done;
    const eligible = judged.eligibleForOwnWrites || judged.eligibleForMonotonic;
    const broken = judged.ownWriteMissing || judged.wentBack;
    this.#time(done.kind, done.ms);
    if (done.kind === 'eventual') {
      tally.eventual += 1;
      tally.eventualEligible += Number(eligible);
      tally.eventualStale += Number(broken);
      return;
    }
    this.#time(`session ${done.reason}`, done.ms);
    tally.session += 1;
    tally.eligible += Number(eligible);
    tally.eligibleForOwnWrites += Number(judged.eligibleForOwnWrites);
    tally.eligibleForMonotonic += Number(judged.eligibleForMonotonic);
    tally.ownWriteMissing += Number(judged.ownWriteMissing);
    tally.wentBack += Number(judged.wentBack);
    tally.impossible += Number(judged.impossible);
    tally.onReplica += Number(done.role === 'replica');
    count(tally.reasons, done.reason);
    if ((broken || judged.impossible) && tally.examples.length < EXAMPLES) tally.examples.push(done.what);
  }

  #time(what: string, ms: number): void {
    this.#latency[what] ??= new Histogram();
    this.#latency[what].add(ms);
  }

  #takeTally(): Tally {
    const tally = this.#tally;
    tally.toMs = clockMs();
    this.#tally = newTally(clockMs());
    return tally;
  }
}

const tell = (message: FromWorker): void => void process.send?.(message);

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

let worker: Worker | null = null;

async function obey(message: ToWorker): Promise<void> {
  if (message.kind === 'plan') {
    worker = new Worker(message.plan);
    await worker.open();
    tell({ kind: 'ready' });
  } else if (message.kind === 'start') {
    worker?.start();
  } else {
    const last = await worker!.stop();
    process.send?.(last, () => process.exit(0));
  }
}

process.on('message', (message: ToWorker) => void obey(message).catch(fail));
// Nobody is left to tell: the experiment has ended, whatever the reason.
process.on('disconnect', () => process.exit(1));
// The terminal sends Ctrl-C to all of them; the parent decides what becomes of it.
process.on('SIGINT', () => {});
