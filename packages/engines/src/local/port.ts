import { createServer } from 'node:net';
import type { Endpoint } from '../types.ts';
import { LocalError } from './errors.ts';

/** Fails with LocalError `port-in-use` or `address-unavailable` when a server could not listen there. */
export async function checkPortIsFree({ name, host, port }: Endpoint): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new LocalError(
        'port-in-use',
        `${host}:${port}, where ${name} should listen, is in use. Find out by whom (ss -ltnp 'sport = :${port}') and ` +
          'stop that, or stop the lab that is already running (./lab down).',
      );
    }
    if (code === 'EADDRNOTAVAIL') {
      throw new LocalError(
        'address-unavailable',
        `this machine has no address ${host} for ${name}. On Linux all of 127.0.0.0/8 is there; elsewhere add it to ` +
          'the loopback interface, or use the docker runtime.',
      );
    }
    throw error;
  } finally {
    await new Promise<void>((resolve) => probe.close(() => resolve()));
  }
}
