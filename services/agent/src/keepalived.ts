import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { AgentEnvironment } from './config.ts';

const CONFIGURATION = '/run/keepalived/keepalived.conf';

export interface KeepalivedSettings {
  readonly node: string;
  readonly interface: string;
  readonly address: string;
  readonly peers: readonly string[];
  readonly vip: string;
}

/** Fills in the template. Throws when it has a name that there is no value for, so that none is left empty. */
export function renderConfiguration(template: string, settings: KeepalivedSettings): string {
  const values: Readonly<Record<string, string>> = {
    node: settings.node,
    interface: settings.interface,
    address: settings.address,
    // The keyword takes one address a line; several on one are read as options of the first.
    peers: settings.peers.map((peer) => `        ${peer}`).join('\n'),
    vip: settings.vip,
  };
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`keepalived.conf.template: no value for {{${name}}}`);
    return value;
  });
}

/** The network interface that has this address, and its prefix length. */
export function interfaceOf(address: string): { name: string; prefix: number } {
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    const entry = entries?.find((candidate) => candidate.address === address);
    if (entry) return { name, prefix: Number(entry.cidr?.split('/')[1] ?? 32) };
  }
  throw new Error(`no network interface here has the address ${address} (NODE_ADDRESS)`);
}

export function hasAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some((entry) => entry.address === address),
  );
}

/**
 * Starts keepalived in the foreground, logging to our output. It must be root with NET_ADMIN and NET_RAW.
 * The caller watches for its exit.
 */
export async function startKeepalived(env: AgentEnvironment): Promise<ChildProcess> {
  const { name, prefix } = interfaceOf(env.NODE_ADDRESS);
  const text = renderConfiguration(await readFile(env.KEEPALIVED_TEMPLATE, 'utf8'), {
    node: env.NODE_NAME,
    interface: name,
    address: env.NODE_ADDRESS,
    peers: env.PEER_ADDRESSES,
    vip: `${env.VIP}/${prefix}`,
  });
  await mkdir('/run/keepalived', { recursive: true });
  await writeFile(CONFIGURATION, text, { mode: 0o644 });
  // Where the agent answers in clear text.
  const probePort = env.TLS_CERT_FILE === '' ? env.AGENT_PORT : env.AGENT_PROBE_PORT;
  const args = ['--dont-fork', '--vrrp', '--log-console', `--use-file=${CONFIGURATION}`];
  return spawn('keepalived', args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { PATH: process.env.PATH, AGENT_PROBE_PORT: String(probePort) },
  });
}
