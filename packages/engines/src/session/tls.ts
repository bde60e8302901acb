import { createSecureContext, type SecureContext } from 'node:tls';
import type { TlsClient } from '../types.ts';

export const MIN_TLS_VERSION = 'TLSv1.2';

const contexts = new WeakMap<TlsClient, SecureContext>();

/** Made once of each object: reading certificates costs as much as the rest of a handshake. */
export function secureContextOf(tls: TlsClient): SecureContext {
  const made = contexts.get(tls);
  if (made) return made;
  const { ca, certificate } = tls;
  const context = createSecureContext({
    ca,
    minVersion: MIN_TLS_VERSION,
    ...(certificate !== undefined && { cert: certificate, key: certificate }),
  });
  contexts.set(tls, context);
  return context;
}
