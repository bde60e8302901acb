import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Notice } from './notice.ts';
import { type Channel, PermanentFailure } from './outbox.ts';

/** The host's address. On the threads that encryption and files use as well, so one at a time, and waited for to its end. */
export const addressOf = async (hostname: string): Promise<string> =>
  (await lookup(hostname.replace(/^\[|\]$/g, ''))).address;

/** POSTs the notice as JSON. Any answer 2xx is good; redirects are not followed. */
export class Webhook implements Channel {
  readonly name = 'webhook';
  readonly #url: URL;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  async send(notice: Notice, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(notice);
    const address = await addressOf(this.#url.hostname);
    signal.throwIfAborted();
    const status = await this.#post(body, address, signal);
    if (status >= 200 && status < 300) return;
    const why = `${this.#url.host} answered ${status}`;
    throw isPassing(status) ? new Error(why) : new PermanentFailure(why);
  }

  #post(body: string, address: string, signal: AbortSignal): Promise<number> {
    const options: RequestOptions = {
      method: 'POST',
      signal,
      agent: false,
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      lookup: (_host, { all }, found) => {
        const family = address.includes(':') ? 6 : 4;
        if (all) found(null, [{ address, family }]);
        else found(null, address, family);
      },
    };
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const request = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = request(this.#url, options, (response: IncomingMessage) => {
      resolve(response.statusCode ?? 0);
      // Whatever else it wants to say is not waited for.
      sent.destroy();
    });
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }
}

const isPassing = (status: number): boolean => status >= 500 || status === 408 || status === 429;
