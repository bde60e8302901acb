import { once } from 'node:events';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { accountsFrom, type Endpoint, type Engine } from '@replication-lab/engines';
import { nodesFrom, nodeTlsFiles, readEnvironment } from '@replication-lab/engines/config';
import { certificateFilesFrom } from '@replication-lab/engines/https';
import { engineOf, LocalNode, runAsFor } from '@replication-lab/engines/local';
import { type Logger, pino } from 'pino';
import { askOnce } from './ask-once.ts';
import { createAgentServer } from './http.ts';
import { LiveProbe } from './live-probe.ts';
import { type NativeAgentEnvironment, nativeAgentEnvironment } from './native-config.ts';
import { NativeDesk } from './native-desk.ts';

const PROBE_TIMEOUT_MS = 1000;
/** For what is being done to be given up. What is left of it then, is found by whoever works on that node next. */
const CLOSE_TIMEOUT_MS = 700;

interface Agent {
  readonly node: Endpoint;
  readonly server: Server;
  readonly probe: LiveProbe;
  readonly desk: NativeDesk;
}

/**
 * The agents of a native lab: one process, to be sparing with memory, that answers on each node's address for that node. It
 * needs no database to be there yet. SIGTERM ends it within a second; the servers live on.
 */
async function main(): Promise<void> {
  const env = readEnvironment(nativeAgentEnvironment);
  const log = pino({ level: env.LOG_LEVEL });
  const runAs = await runAsFor(env.DB_ENGINE);
  const nodes = nodesFrom(env);
  const agents = nodes.map((node) =>
    createAgent(env, { node, nodes }, runAs, log.child({ node: node.name })),
  );
  for (const { node, server } of agents) {
    server.listen(env.AGENT_PORT, node.host);
    await once(server, 'listening');
    log.info(
      { node: node.name, host: node.host, port: env.AGENT_PORT, engine: env.DB_ENGINE },
      'agent listens',
    );
  }
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    for (const { server, probe } of agents) {
      server.close();
      server.closeAllConnections();
      probe.close();
    }
    const closed = Promise.all(agents.map(({ desk }) => desk.close()));
    await Promise.race([closed, sleep(CLOSE_TIMEOUT_MS)]);
    process.exit(0);
  };
  // Not `once`: whoever cleans up after a tool at a signal ends this process as soon as nobody else listens.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end());
}

function createAgent(
  env: NativeAgentEnvironment,
  { node, nodes }: { readonly node: Endpoint; readonly nodes: readonly Endpoint[] },
  runAs: Awaited<ReturnType<typeof runAsFor>>,
  log: Logger,
): Agent {
  const engine = engineOf(env.DB_ENGINE);
  const monitor = { user: 'monitor', password: env.DB_MONITOR_PASSWORD };
  const probe = new LiveProbe(engine.client, node, monitor, PROBE_TIMEOUT_MS);
  const local = localNode(env, engine, node, runAs);
  const desk = new NativeDesk({
    node: local,
    nodes,
    copies: engine.admin.replicaNeedsCopy,
    log,
  });
  const server = createAgentServer({
    node: node.name,
    nodes,
    token: env.AGENT_TOKEN,
    probe: askingThisProcess(local, probe),
    askNode: (other) => askOnce(engine.client, other, monitor, PROBE_TIMEOUT_MS),
    desk,
    holdsVip: () => false,
    log,
    certificate: certificateFilesFrom({
      TLS_CERT_FILE: env.TLS_CERT_FILE.replaceAll('{node}', node.name),
      TLS_KEY_FILE: env.TLS_KEY_FILE.replaceAll('{node}', node.name),
    }),
  });
  return { node, server, probe, desk };
}

/**
 * On a connection to a server that has ended since, nobody answers: a node that was restarted would seem silent when it is
 * asked for the first time, and an order against a silent node is taken.
 */
function askingThisProcess(node: LocalNode, probe: LiveProbe): Pick<LiveProbe, 'ask'> {
  let asked = '';
  return {
    async ask() {
      const now = JSON.stringify(await node.running());
      if (now !== asked) probe.close();
      asked = now;
      return probe.ask();
    },
  };
}

/** The same node, with the same files, as the `lab` command's. */
function localNode(
  env: NativeAgentEnvironment,
  engine: Engine,
  node: Endpoint,
  runAs: Awaited<ReturnType<typeof runAsFor>>,
): LocalNode {
  const { admin, supervisor, replication } = accountsFrom(
    { ...env, DB_APP_PASSWORD: '', DB_APP_READ_ONLY_PASSWORD: '' },
    [node.name],
  );
  const account = replication[node.name];
  const serverId = Number(/\d+$/.exec(node.name)?.[0]);
  if (!account || !(serverId > 0)) throw new Error(`DB_NODES: ${node.name} does not end with its number`);
  return new LocalNode(
    {
      node,
      serverId,
      stateDir: join(env.NATIVE_STATE_DIR, env.DB_ENGINE, node.name),
      admin,
      supervisor,
      replication: account,
      ...(env.DB_TLS_NODE_DIR && {
        tls: nodeTlsFiles(env.DB_TLS_NODE_DIR.replaceAll('{node}', node.name)),
      }),
      runAs,
      supervised: env.SUPERVISED === '1',
    },
    engine,
  );
}

await main();
