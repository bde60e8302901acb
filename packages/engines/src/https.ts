import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, request } from 'node:https';
import { MIN_TLS_VERSION } from './session/tls.ts';

/** How the lab's programs speak HTTP over TLS: those that answer and those that ask. */

/** Where a server's certificate and its key are: PEM; both may be in one file. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A renewed certificate is taken within so long. */
const LOOK_EVERY_MS = 1_000;
/** For whoever connects and then says nothing. */
const HANDSHAKE_TIMEOUT_MS = 3_000;

/** From TLS_CERT_FILE and TLS_KEY_FILE; null without the first: plain HTTP. Without the second both are in the first. */
export function certificateFilesFrom(env: {
  readonly TLS_CERT_FILE: string;
  readonly TLS_KEY_FILE: string;
}): CertificateFiles | null {
  const { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key } = env;
  return certificate === '' ? null : { certificate, key: key || certificate };
}

export interface ServiceOptions extends ServerOptions {
  /** Null: plain HTTP. */
  readonly files?: CertificateFiles | null | undefined;
  /** A renewed certificate could not be used; the one before stays. */
  readonly onUnusable?: (error: Error) => void;
}

/**
 * A server that speaks HTTPS only, or HTTP where it is given no certificate. It takes a renewed certificate while it runs; no
 * connection ends. Throws when the certificate cannot be used.
 */
export function createServiceServer(
  { files, onUnusable = () => {}, ...options }: ServiceOptions,
  listener: RequestListener,
): Server {
  if (!files) return createServer(options, listener);
  const tls = { handshakeTimeout: HANDSHAKE_TIMEOUT_MS, ...contextFrom(files) };
  const server = createTlsServer({ ...options, ...tls }, listener);
  const stopLooking = takeRenewed(files, (context) => server.setSecureContext(context), onUnusable);
  server.once('close', stopLooking);
  return server as unknown as Server;
}

/**
 * Has `take` called with each certificate that takes the place of the one in these files, until what is returned is called.
 * `take` may throw, and then `onUnusable` is told, as for what cannot be read.
 */
export function takeRenewed(
  files: CertificateFiles,
  take: (context: CertificateContext) => void,
  onUnusable: (error: Error) => void,
): () => void {
  const look = () => {
    try {
      take(contextFrom(files));
    } catch (error) {
      onUnusable(error as Error);
    }
  };
  const watched = new Set([files.certificate, files.key]);
  // By looking: whoever renews a file puts another in its place, and need not know who shows it.
  for (const file of watched) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return () => {
    for (const file of watched) unwatchFile(file, look);
  };
}

/**
 * Plain HTTP for who asks from the same machine several times a second, without a token or a handshake: `GET` of these paths, and
 * nothing else. To be bound to a loopback address.
 */
export function createProbeServer(paths: readonly string[], listener: RequestListener): Server {
  const server = createServer({ maxHeaderSize: 8192, keepAliveTimeout: 5000 }, (request, response) => {
    if (request.method === 'GET' && paths.includes(request.url ?? '')) return listener(request, response);
    const detail = `here only GET ${paths.join(', ')}: the rest is answered over TLS`;
    response.writeHead(404, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify({ type: 'about:blank', status: 404, code: 'not-found', detail }));
  });
  return limited(server);
}

/** What is asked seldom, and by few: nobody may hold it up. */
export function limited(server: Server): Server {
  server.headersTimeout = 3000;
  server.requestTimeout = 5000;
  server.maxConnections = 64;
  return server;
}

export type CertificateContext = ReturnType<typeof contextFrom>;

/** What is in the files now. Throws when they cannot be read. */
export const contextFrom = ({ certificate, key }: CertificateFiles) =>
  ({
    cert: readFileSync(certificate),
    key: readFileSync(key),
    minVersion: MIN_TLS_VERSION,
  }) as const;

export interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** The only authority that is believed. */
  readonly ca: string;
}

/** One question over HTTPS, on a connection of its own. Rejects when there is no answer, or the other is not who it should be. */
export function askOverTls(
  url: string,
  { method = 'GET', headers = {}, body, timeoutMs, ca }: Asked,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const options = { method, headers, ca, minVersion: MIN_TLS_VERSION, agent: false } as const;
  const sent = request(url, { ...options, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('error', reject);
    answer.on('end', () => {
      const status = answer.statusCode ?? 0;
      const type = answer.headers['content-type'] ?? 'text/plain';
      resolve(new Response(Buffer.concat(chunks), { status, headers: { 'content-type': type } }));
    });
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}
