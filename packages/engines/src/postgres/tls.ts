import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { secureContextOf } from '../session/tls.ts';
import type { TlsClient } from '../types.ts';

/** For pg, which refuses a server that has no TLS, and verifies the host's name or address unless another is named. */
export function pgTls(tls: TlsClient): ConnectionOptions {
  return {
    secureContext: secureContextOf(tls),
    rejectUnauthorized: true,
    ...(tls.serverName !== undefined && identityOf(tls.serverName)),
  };
}

/** pg overwrites a `servername`, so the name is given to the check itself. */
function identityOf(name: string): ConnectionOptions {
  return { checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate) };
}
