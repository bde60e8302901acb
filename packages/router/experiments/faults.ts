import { execFileSync } from 'node:child_process';
import type { Cluster } from '@replication-lab/engines/testing';
import { afterwards } from './guardian.ts';
import { pause } from './setup.ts';

/** Stops a node's processes for `frozenMs` of every `periodMs`, until disposed of. */
export function freezeNowAndThen(
  cluster: Cluster,
  node: string,
  { frozenMs, periodMs }: { readonly frozenMs: number; readonly periodMs: number },
): AsyncDisposable & { readonly frozenForMs: readonly number[] } {
  const stop = new AbortController();
  const frozenForMs: number[] = [];
  const finished = (async () => {
    while (!stop.signal.aborted) {
      const startedMs = performance.now();
      await cluster.kill(node, 'SIGSTOP');
      await pause(frozenMs);
      await cluster.kill(node, 'SIGCONT');
      frozenForMs.push(performance.now() - startedMs);
      await pause(periodMs - (performance.now() - startedMs), stop.signal);
    }
  })();
  finished.catch(() => {}); // told to whoever disposes
  return {
    frozenForMs,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await finished;
    },
  };
}

/** Every rule of ours carries this and the process that made it, so that it can be told from all others. */
const MARK = 'router-experiment';

const iptables = (...args: readonly string[]): string =>
  execFileSync('iptables', ['-w', '5', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Null when packets can be dropped here, else why not. Also clears away rules of processes that are gone. */
export function whyNoPacketFilter(): string | null {
  try {
    for (const rule of iptables('-S', 'INPUT').split('\n')) {
      const pid = new RegExp(`${MARK}:(\\d+)`).exec(rule)?.[1];
      if (pid && !isAlive(Number(pid))) iptables('-D', ...rule.split(' ').slice(1).map(unquoted));
    }
    return null;
  } catch (error) {
    return `iptables does not work here: ${(error as Error).message.split('\n')[0]}`;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const unquoted = (text: string): string => text.replaceAll('"', '');

/**
 * Drops every packet to and from an address, silently, until disposed of or until this process ends,
 * whatever ends it.
 */
export function blackHole(host: string): Disposable {
  const comment = `${MARK}:${process.pid}`;
  const rules = ['-d', '-s'].map((side) => [
    'INPUT',
    ...[side, host, '-p', 'tcp', '-m', 'comment', '--comment', comment, '-j', 'DROP'],
  ]);
  const removals = rules.map((rule) => `iptables -w 5 -D ${rule.join(' ')}`);
  const heal = afterwards(removals.join('; '));
  const remove = (): void => {
    for (const rule of rules) {
      try {
        iptables('-D', ...rule);
      } catch {
        // It is gone already.
      }
    }
  };
  process.once('exit', remove);
  for (const rule of rules) iptables('-I', ...rule);
  return {
    [Symbol.dispose]() {
      process.off('exit', remove);
      remove();
      heal();
    },
  };
}
