import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createCatcherServer } from './http.ts';
import { createMailCatcher } from './smtp.ts';
import { type Caught, Store } from './store.ts';

export type { Caught } from './store.ts';

export interface Catcher extends AsyncDisposable {
  /** The page; webhooks go to `/notices` below it. */
  readonly url: string;
  readonly smtpUrl: string;
  /** The last notices, the newest first. */
  list(): Caught[];
}

export interface CatcherOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly smtpPort: number;
  readonly onCaught?: (caught: Caught) => void;
}

/** Catches notices instead of sending them to anybody. Throws when a port is taken. Needs to be disposed of. */
export async function startCatcher({ host, port, smtpPort, onCaught }: CatcherOptions): Promise<Catcher> {
  const store = new Store(onCaught);
  const http = createCatcherServer(store);
  const smtp = createMailCatcher(store);
  const closeHttp = () => {
    http.close();
    http.closeAllConnections();
  };
  const listening = once(http, 'listening');
  http.listen(port, host);
  await listening;
  try {
    // Its own `listening` and `error` come from the server inside.
    const mailListening = once(smtp.server, 'listening');
    smtp.listen(smtpPort, host);
    await mailListening;
  } catch (error) {
    closeHttp();
    throw error;
  }
  // Clients that end in the middle are no news.
  smtp.on('error', () => {});
  const portOf = (server: { address(): AddressInfo | string | null }) =>
    (server.address() as AddressInfo).port;
  return {
    url: `http://${host}:${portOf(http)}/`,
    smtpUrl: `smtp://${host}:${portOf(smtp.server)}`,
    list: () => store.list(),
    async [Symbol.asyncDispose]() {
      closeHttp();
      await new Promise<void>((closed) => smtp.close(closed));
    },
  };
}
