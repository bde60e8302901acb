import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The directory that the agent shares with the boot script of its node's database (infra/boot/lib.sh has the other
 * half). Files are written whole, by rename; lines are `key=value`.
 */
export interface Order {
  readonly id: string;
  readonly order: 'initialise' | 'copy';
  /** HOST:PORT of the node to copy. */
  readonly source: string | null;
}

export type OrderResult = 'pending' | 'running' | 'done' | 'failed';

/** What the boot script last said of itself. It cannot say that it was killed: whether the database answers is another question. */
export interface BootStatus {
  readonly phase: string;
  /** The order it took last; empty when none since it started. */
  readonly order: string;
  readonly result: string;
  readonly message: string;
}

export class ControlDirectory {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Null before the database container has started for the first time. */
  async status(): Promise<BootStatus | null> {
    const lines = await this.#read('status');
    if (lines === null) return null;
    return {
      phase: lines.get('phase') ?? 'unknown',
      order: lines.get('order') ?? '',
      result: lines.get('result') ?? '',
      message: lines.get('message') ?? '',
    };
  }

  /** Lays an order down; false when one lies there that nobody has taken yet. */
  async give(order: Order): Promise<boolean> {
    if ((await this.#read('order')) !== null) return false;
    const lines = [
      `id=${order.id}`,
      `order=${order.order}`,
      ...(order.source ? [`source=${order.source}`] : []),
    ];
    const path = join(this.#directory, 'order');
    await writeFile(`${path}.new`, `${lines.join('\n')}\n`);
    await rename(`${path}.new`, path);
    return true;
  }

  /** How far the order is; null when neither the agent nor the boot script knows it (any more). */
  async result(id: string): Promise<{ result: OrderResult; message: string } | null> {
    if ((await this.#read('order'))?.get('id') === id) return { result: 'pending', message: '' };
    const status = await this.status();
    if (status?.order !== id) return null;
    const result = status.result === 'done' || status.result === 'failed' ? status.result : 'running';
    return { result, message: status.message };
  }

  async #read(name: string): Promise<Map<string, string> | null> {
    try {
      return parseLines(await readFile(join(this.#directory, name), 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}

/** `key=value` lines; what is none is left out. */
export function parseLines(text: string): Map<string, string> {
  const entries = text.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf('=');
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
  });
  return new Map(entries);
}
