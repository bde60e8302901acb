import { Socket } from 'node:net';

/**
 * Both drivers are given a socket of ours, so that giving up can mean `destroy()`: the drivers' own ways of closing
 * say goodbye first, and a frozen server never reads it.
 */
export function newSocket(): Socket {
  const socket = new Socket();
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 10_000);
  return socket;
}
