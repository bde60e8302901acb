import { get } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** What a lab answers at `/readyz` over TLS, and the number of the certificate that it shows. */
export function shownBy(
  url: string,
  ca: string,
): Promise<{ status: number | undefined; serialNumber: string }> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/readyz`, { ca, agent: false }, (response) => {
      const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
      resolve({ status: response.statusCode, serialNumber });
      response.destroy();
    });
    request.once('error', reject);
  });
}
