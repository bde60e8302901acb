import type { Caught } from '@replication-lab/catcher';
import { waitFor } from '../../src/wait.ts';

/** FailoverHappened is told for a minute, and WriteErrors looks back for half of one. */
const DEADLINE_MS = 120_000;

/** What the lab's catcher has: `url` is `urls.notices` of the lab's status. */
export class Notices {
  readonly #url: string;

  constructor(url: string) {
    this.#url = `${url}notices`;
  }

  async #has(via: Caught['via'], title: RegExp): Promise<boolean> {
    const { notices } = (await (await fetch(this.#url)).json()) as { notices: Caught[] };
    return notices.some((notice) => notice.via === via && title.test(notice.title));
  }

  /** All of them were told by webhook and by mail. */
  async fired(...alerts: string[]): Promise<void> {
    await Promise.all(
      alerts.flatMap((alert) => [
        this.#until('webhook', new RegExp(`firing: ${alert}\\b`)),
        this.#until('mail', new RegExp(`\\[FIRING:\\d+\\] ${alert}\\b`)),
      ]),
    );
  }

  /** The end of all of them was told by webhook and by mail. */
  async resolved(...alerts: string[]): Promise<void> {
    await Promise.all(
      alerts.flatMap((alert) => [
        this.#until('webhook', new RegExp(`resolved: ${alert}\\b`)),
        this.#until('mail', new RegExp(`\\[RESOLVED\\] ${alert}\\b`)),
      ]),
    );
  }

  #until(via: Caught['via'], title: RegExp): Promise<unknown> {
    return waitFor(() => this.#has(via, title), {
      what: `a ${via} that says ${title.source}`,
      timeoutMs: DEADLINE_MS,
      everyMs: 300,
    });
  }
}
