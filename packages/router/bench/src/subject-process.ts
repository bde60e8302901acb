import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Latency, Order, Reply, Setup, Slice, Workload } from './protocol.ts';
import type { SubjectInfo } from './subjects/index.ts';

/** Above what a slice can take. A subject that does not answer by then is stopped and does not count. */
const ANSWER_MS = 60_000;
const END_MS = 5_000;

export class SubjectFailed extends Error {
  override readonly name = 'SubjectFailed';
  readonly notRun: boolean;
  constructor(message: string, notRun = false) {
    super(message);
    this.notRun = notRun;
  }
}

/** One subject in a process of its own, so that heaps, compiled code and pools do not mix. */
export class SubjectProcess {
  readonly info: SubjectInfo;
  how = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  #stderr = '';

  constructor(info: SubjectInfo) {
    this.info = info;
    this.#child = fork(join(import.meta.dirname, 'child.ts'), [info.name], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-20_000);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(String(error)));
      this.#child.once('exit', (code, signal) => resolve(`its process ended (${signal ?? code})`));
    });
  }

  /** Throws SubjectFailed, with `notRun` when the subject cannot run here. */
  async open(setup: Setup): Promise<void> {
    const reply = await this.#ask({ kind: 'open', setup });
    if (reply.kind === 'opened') this.how = reply.how;
  }

  async prepare(workload: Workload, ms: number): Promise<void> {
    await this.#ask({ kind: 'prepare', workload, ms });
  }

  async run(order: Omit<Extract<Order, { kind: 'run' }>, 'kind'>): Promise<Slice> {
    const reply = await this.#ask({ kind: 'run', ...order });
    if (reply.kind !== 'slice') throw new SubjectFailed(`it answered ${reply.kind}`);
    return reply.slice;
  }

  async latency(workload: Workload): Promise<Latency> {
    const reply = await this.#ask({ kind: 'latency', workload });
    if (reply.kind !== 'latency') throw new SubjectFailed(`it answered ${reply.kind}`);
    return reply.latency;
  }

  async startProfile(): Promise<void> {
    await this.#ask({ kind: 'start-profile' });
  }

  /** What the subject said about the profile. */
  async stopProfile(file: string): Promise<string> {
    this.#stderr = '';
    await this.#ask({ kind: 'stop-profile', file });
    return this.#stderr;
  }

  /** Ends the process, politely for a while. Never throws. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await this.#ask({ kind: 'close' }, END_MS).catch(() => {});
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #ask(order: Order, timeoutMs = ANSWER_MS): Promise<Reply> {
    const answer = Promise.withResolvers<Reply>();
    const timer = setTimeout(
      () => answer.reject(new SubjectFailed(`no answer to "${order.kind}" within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const onMessage = (reply: unknown) => answer.resolve(reply as Reply);
    this.#child.once('message', onMessage);
    this.#ended.then((how) => answer.reject(new SubjectFailed(`${how}. ${this.#stderr.trim()}`)));
    try {
      this.#child.send(order, (error) => error && answer.reject(new SubjectFailed(String(error))));
      const reply = await answer.promise;
      if (reply.kind === 'not-run') throw new SubjectFailed(reply.reason, true);
      if (reply.kind === 'failed') throw new SubjectFailed(reply.error);
      return reply;
    } finally {
      clearTimeout(timer);
      this.#child.off('message', onMessage);
    }
  }
}
