import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { getEngineClient } from '@replication-lab/engines';
import { DEFAULT_PORT, nodesFrom, readEnvironment } from '@replication-lab/engines/config';
import { certificateFilesFrom } from '@replication-lab/engines/https';
import { pino } from 'pino';
import { askOnce } from './ask-once.ts';
import { agentEnvironment } from './config.ts';
import { ControlDirectory } from './control.ts';
import { type AgentParts, createAgentProbe, createAgentServer } from './http.ts';
import { hasAddress, startKeepalived } from './keepalived.ts';
import { LiveProbe } from './live-probe.ts';

/** A slow primary keeps the virtual address, a frozen one loses it: the line between them. */
const PROBE_TIMEOUT_MS = 1000;
const STOP_TIMEOUT_MS = 3000;

/**
 * The main process of a database host: answers for its database, and gives the virtual address to keepalived.
 * When either of the two ends unasked the whole host ends, with a code: half a host would only look alive.
 */
async function main(): Promise<void> {
  const env = readEnvironment(agentEnvironment);
  const log = pino({ level: env.LOG_LEVEL, base: { node: env.NODE_NAME } });
  const nodes = nodesFrom(env);
  const client = getEngineClient(env.DB_ENGINE);
  const monitor = { user: 'monitor', password: env.DB_MONITOR_PASSWORD };
  const probe = new LiveProbe(
    client,
    { name: env.NODE_NAME, host: env.NODE_ADDRESS, port: DEFAULT_PORT[env.DB_ENGINE], tls: nodes[0]?.tls },
    monitor,
    PROBE_TIMEOUT_MS,
  );
  const certificate = certificateFilesFrom(env);
  const parts: AgentParts = {
    node: env.NODE_NAME,
    nodes,
    token: env.AGENT_TOKEN,
    probe,
    askNode: (node) => askOnce(client, node, monitor, PROBE_TIMEOUT_MS),
    desk: new ControlDirectory(env.CONTROL_DIR),
    holdsVip: () => env.VIP !== '' && hasAddress(env.VIP),
    log,
    certificate,
  };
  const servers = [createAgentServer(parts).listen(env.AGENT_PORT, env.HOST)];
  if (certificate) servers.push(createAgentProbe(parts).listen(env.AGENT_PROBE_PORT, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  log.info({ port: env.AGENT_PORT, engine: env.DB_ENGINE }, 'agent listens');

  let stopping = false;
  const keepalived = env.VIP ? await startKeepalived(env) : null;
  const end = async (code: number) => {
    if (stopping) return;
    stopping = true;
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    probe.close();
    // It gives the address back and says goodbye, so that the next holder need not wait for silence.
    if (keepalived) await stop(keepalived);
    process.exit(code);
  };
  keepalived?.once('error', (error) => {
    log.fatal(error, 'keepalived cannot be started');
    void end(1);
  });
  keepalived?.once('exit', (code, signal) => {
    if (stopping) return;
    log.fatal({ code, signal }, 'keepalived ended; so does this host');
    void end(1);
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(0));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await once(child, 'exit');
  clearTimeout(timer);
}

await main();
