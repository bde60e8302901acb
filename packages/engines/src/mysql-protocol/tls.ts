import type { SslOptions } from 'mysql2';
import { MIN_TLS_VERSION } from '../session/tls.ts';
import type { Endpoint, NodeTlsFiles, TlsClient } from '../types.ts';

const made = new WeakMap<TlsClient, SslOptions>();

/** For mysql2, which refuses a server that has no TLS. One of each object: what the driver makes of it, it keeps beside it. */
export function mysqlTls(tls: TlsClient): SslOptions {
  const known = made.get(tls);
  if (known) return known;
  const { ca, certificate } = tls;
  const options: SslOptions = {
    ca,
    minVersion: MIN_TLS_VERSION,
    rejectUnauthorized: true,
    verifyIdentity: true,
    ...(certificate !== undefined && { cert: certificate, key: certificate }),
  };
  made.set(tls, options);
  return options;
}

/** A server's arguments: who comes over the network in clear text is refused, before any password. */
export function serverTls(files: NodeTlsFiles | undefined): string[] {
  if (!files) return [];
  const { ca, server } = files;
  return [`--ssl-ca=${ca}`, `--ssl-cert=${server}`, `--ssl-key=${server}`, '--require-secure-transport=ON'];
}

/** mysql2 verifies the certificate for what it takes for the host; connecting is our socket's part. */
export const nameForTls = ({ host, tls }: Endpoint): string => tls?.serverName ?? host;
