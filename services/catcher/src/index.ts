import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { CertificateFiles } from '@replication-lab/engines/https';
import { createCatcherServer } from './http.ts';
import { createMailCatcher } from './smtp.ts';
import { type Caught, Store } from './store.ts';

export type { Caught } from './store.ts';

export interface Catcher extends AsyncDisposable {
  /** The page. */
  readonly url: string;
  /** Where webhooks go. */
  readonly webhookUrl: string;
  readonly smtpUrl: string;
  /** The last notices, the newest first. */
  list(): Caught[];
}

export interface CatcherOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly smtpPort: number;
  /** With it webhooks and mail are taken over TLS only. `port` goes on showing the page in clear text. */
  readonly tls?: { readonly files: CertificateFiles; readonly port: number } | null;
  readonly onCaught?: (caught: Caught) => void;
}

/** Catches notices instead of sending them to anybody. Throws when a port is taken. Needs to be disposed of. */
export async function startCatcher({
  host,
  port,
  smtpPort,
  tls = null,
  onCaught,
}: CatcherOptions): Promise<Catcher> {
  const store = new Store(onCaught);
  const onUnusable = (error: Error) => console.error('the new certificate cannot be used:', error.message);
  const http = createCatcherServer(store, tls !== null);
  const https = tls && createCatcherServer(store, false, { files: tls.files, onUnusable });
  const smtp = createMailCatcher(store, tls?.files ?? null, onUnusable);
  const closeHttp = () => {
    for (const server of [http, https]) {
      server?.close();
      server?.closeAllConnections();
    }
  };
  try {
    await once(http.listen(port, host), 'listening');
    if (https) await once(https.listen(tls.port, host), 'listening');
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
  const url = `http://${host}:${portOf(http)}/`;
  return {
    url,
    webhookUrl: https ? `https://${host}:${portOf(https)}/notices` : `${url}notices`,
    smtpUrl: `smtp://${host}:${portOf(smtp.server)}`,
    list: () => store.list(),
    async [Symbol.asyncDispose]() {
      closeHttp();
      await new Promise<void>((closed) => smtp.close(closed));
    },
  };
}
