import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootStatus, Order, OrderDesk, OrderResult } from './orders.ts';

/**
 * The directory that the agent shares with the boot script of its node's database (infra/boot/lib.sh has the other
 * half). Files appear whole; lines are `key=value`.
 */
export class ControlDirectory implements OrderDesk {
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

  /**
   * Lays an order down. False when one lies there that nobody has taken yet, or is being carried out: an order that waits
   * for long is carried out when what it was judged by is no longer so.
   */
  async give(order: Order): Promise<boolean> {
    if ((await this.status())?.result === 'running') return false;
    const lines = [
      `id=${order.id}`,
      `order=${order.order}`,
      ...(order.source ? [`source=${order.source}`] : []),
    ];
    const path = join(this.#directory, 'order');
    const written = `${path}.${order.id}`;
    await writeFile(written, `${lines.join('\n')}\n`);
    try {
      // A link, because a rename would replace an order that lies there.
      await link(written, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(written, { force: true });
    }
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
