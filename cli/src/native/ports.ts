import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { LabError, systemCode } from '../errors.ts';

export interface PortNeed {
  /** Who wants it: `haproxy`, `db-1` … */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** What the person can do when somebody else has it. */
  readonly mend: string;
}

/** Throws LabError `port-in-use` or `address-missing` for the first port that cannot be bound. */
export async function requirePorts(needs: readonly PortNeed[]): Promise<void> {
  for (const need of needs) {
    const code = await tryBind(need.host, need.port);
    if (code === null) continue;
    const where = `${need.host}:${need.port}`;
    if (code === 'EADDRINUSE') {
      const holder = whoListens(need.port);
      const by = holder ? `in use by ${holder.command} (process ${holder.pid})` : 'in use by another process';
      throw new LabError('port-in-use', `${need.name} needs ${where}, which is ${by}`, need.mend);
    }
    if (code === 'EADDRNOTAVAIL') {
      const mend = `the native runtime needs Linux's whole 127.0.0.0/8; elsewhere use ./lab up --runtime docker`;
      throw new LabError(
        'address-missing',
        `${need.name} needs ${where}, and this machine has no such address`,
        mend,
      );
    }
    throw new LabError('port-refused', `${need.name} cannot listen on ${where}: ${code}`, need.mend);
  }
}

/** Null when it can be bound, else the system's error code. */
function tryBind(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemCode(error) ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** The process that listens on the port, as far as we may look: without root only our own processes are seen. */
export function whoListens(port: number): { pid: number; command: string } | null {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return null;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      for (const fd of readdirSync(`/proc/${entry}/fd`)) {
        const socket = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${entry}/fd/${fd}`));
        if (socket && inodes.has(socket[1]!)) {
          return { pid: Number(entry), command: readFileSync(`/proc/${entry}/comm`, 'utf8').trim() };
        }
      }
    } catch {
      // not ours to look at, or gone
    }
  }
  return null;
}

const LISTEN = '0A'; // state column of /proc/net/tcp

function listeningInodes(port: number): Set<string> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      continue; // no IPv6 here
    }
    for (const line of text.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[3] === LISTEN && columns[1]?.endsWith(`:${wanted}`)) inodes.add(columns[9] ?? '');
    }
  }
  return inodes;
}
