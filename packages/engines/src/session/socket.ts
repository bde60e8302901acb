import { Socket } from 'node:net';
import type { Endpoint } from '../types.ts';

/**
 * Both drivers are given a socket of ours, so that giving up can mean `destroy()`: the drivers' own ways of closing
 * say goodbye first, and a frozen server never reads it.
 */
export function newSocket({ host, tls }: Endpoint): Socket {
  const socket = new Socket();
  // What a certificate is verified for where the driver names nothing, as mysql2 does for IP addresses. Node sets it itself
  // for names only; without it, it would expect `localhost`, and refuse.
  // A name that is looked up it notes there too, hence so late.
  if (tls) socket.once('connect', () => Object.assign(socket, { _host: tls.serverName ?? host }));
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 10_000);
  return socket;
}
