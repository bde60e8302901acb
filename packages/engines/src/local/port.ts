import { createServer } from 'node:net';
import type { Endpoint } from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { LocalError } from './errors.ts';

/** A server that was killed a moment ago may still hold its port. */
const LET_GO_TIMEOUT_MS = 1000;

/** Fails with LocalError `port-in-use` or `address-unavailable` when a server could not listen there. */
export async function checkPortIsFree(endpoint: Endpoint): Promise<void> {
  const { name, host, port } = endpoint;
  try {
    const free = () => listen(endpoint, { tolerateInUse: true });
    if (!(await waitFor(free, { timeoutMs: LET_GO_TIMEOUT_MS })))
      await listen(endpoint, { tolerateInUse: false });
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
  }
}

/** Listens there for a moment. False for a port in use, when that is tolerated; every other failure is thrown. */
async function listen(
  { host, port }: Endpoint,
  { tolerateInUse }: { tolerateInUse: boolean },
): Promise<boolean> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ host, port, exclusive: true }, resolve);
    });
    return true;
  } catch (error) {
    if (tolerateInUse && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  } finally {
    await new Promise<void>((resolve) => probe.close(() => resolve()));
  }
}
