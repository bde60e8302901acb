import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ENGINE_NAMES } from '@replication-lab/engines';
import { availableEngines, type Cluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { Action, SupervisorEvent } from '../src/index.ts';
import type { EndingOptions } from './ending-supervisor.ts';
import {
  CLEAN,
  FINISHED_WITHIN_MS,
  type Scene,
  setScene,
  until,
  type Watch,
  type Writers,
} from './support.ts';

const { engines } = await availableEngines();

/** A supervisor in a process of its own, which can be frozen as a whole. */
class Apart implements AsyncDisposable {
  readonly events: SupervisorEvent[] = [];
  readonly #heardAtMs = new WeakMap<SupervisorEvent, number>();
  readonly #child: ChildProcess;

  constructor(
    { engine, nodes, accounts, database }: Cluster,
    endAfter: Action['do'],
    how: EndingOptions['how'],
  ) {
    const options: EndingOptions = { engine, nodes, accounts, database, endAfter, how };
    const program = join(import.meta.dirname, 'ending-supervisor.ts');
    this.#child = spawn(process.execPath, [program, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const event = JSON.parse(line) as SupervisorEvent;
      this.#heardAtMs.set(event, performance.now());
      this.events.push(event);
    });
  }

  /** It acts, and would make a failover. */
  untilArmed(): Promise<void> {
    return until('armed', () => this.events.at(-1)?.what === 'armed' || this.#phase === 'watching');
  }

  get #phase(): string | undefined {
    const last = this.events.findLast(({ what }) => what === 'phase');
    return last?.what === 'phase' ? last.to : undefined;
  }

  endAtNext(): void {
    this.#child.kill('SIGUSR2');
  }

  /** Frozen, or gone. */
  get isEnded(): boolean {
    if (this.#child.signalCode !== null) return true;
    return /^State:\tT/m.test(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'));
  }

  /**
   * Wakes it up, waits until it has stepped down, and answers what it could do until then. An order of before, of which it reads
   * the answer only now, is none: two replicas are detached at once, and it freezes when the first has answered.
   */
  async doneAfterThaw(): Promise<SupervisorEvent[]> {
    const before = this.events.length;
    const thawedAtMs = performance.now();
    const isLate = (event: SupervisorEvent) =>
      event.what === 'order' &&
      event.outcome === 'done' &&
      event.action.do !== 'lock' &&
      this.#heardAtMs.get(event)! - event.ms >= thawedAtMs;
    this.#child.kill('SIGCONT');
    await until('passive', () => this.#phase === 'passive');
    return this.events.slice(before).filter(isLate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const STEPS: readonly Action['do'][] = ['detach', 'arm', 'follow', 'promote', 'establish', 'open'];

/** What a failure is understood by. */
const told = (events: readonly SupervisorEvent[]): string =>
  events.map((event) => JSON.stringify(event)).join('\n');

/** Each step once with each engine, in turn with the one and the other: each case takes seconds. */
const ENGINES = engines.map((engine) => ({
  engine,
  cases: STEPS.map((step, i) => {
    const isKilled = (ENGINE_NAMES.indexOf(engine) + i) % 2 === 0;
    return { step, how: isKilled ? 'SIGKILL' : 'SIGSTOP' } as const;
  }),
}));

describe.each(ENGINES)(
  '$engine: the primary dies, and its supervisor freezes or is killed in the middle',
  ({ engine, cases }) => {
    let scene: Scene;
    let cluster: Cluster;
    let watch: Watch;
    let writers: Writers;

    beforeAll(async () => {
      scene = await setScene(engine, '127.0.57', 1, { restarts: true, primaryWaitMs: 20_000, pauseMs: 5 });
      ({ cluster, watch, writers } = scene);
    });
    afterAll(() => scene?.[Symbol.asyncDispose]());

    it.each(cases)(
      '$how right after `$step`: another one finishes within 6 s, and what a frozen one wants when it wakes up is refused',
      async ({ how, step }) => {
        await watch.untilWhole();
        const { primary: old, epoch } = watch.status!;
        const seen = watch.events.length;
        await using apart = new Apart(cluster, step, how);
        onTestFailed(() => console.log([apart.events, watch.events.slice(seen)].map(told).join('\n\n')));
        // The one that acts goes, and the one apart takes over; then there is one again that waits.
        await watch.end(watch.active!);
        await apart.untilArmed();
        await watch.untilKnowing(watch.add());
        await writers.more();
        apart.endAtNext();
        await cluster.kill(old!);
        try {
          await until('ended', () => apart.isEnded);
          const endedAtMs = performance.now();
          const isFinished = () => {
            const { status } = watch;
            return status?.state.phase === 'watching' && status.primary !== old && status.epoch === epoch + 1;
          };
          await until('finished', isFinished, FINISHED_WITHIN_MS);
          console.log(
            `${engine}: ${how} after ${step}, finished by another in ${Math.round(performance.now() - endedAtMs)} ms`,
          );
          await writers.more();
          if (how === 'SIGSTOP')
            expect(await apart.doneAfterThaw(), 'orders of the one that woke up').toEqual([]);
          expect(watch.status).toMatchObject({ epoch: epoch + 1 });
        } finally {
          // The next case needs a whole cluster, and tells of a fault of its own only.
          await cluster.start(old!);
        }
        await writers.more();
      },
    );

    it('every row that was acknowledged is there once', async () => {
      await watch.untilWhole();
      await writers.stop();
      for (const { name } of cluster.nodes) {
        await until('caught up', async () => (await writers.audit(name)).lost === 0);
        expect(await writers.audit(name), name).toEqual(CLEAN);
      }
    });
  },
);
