import { once } from 'node:events';
import { AgentClient } from '@replication-lab/agent/client';
import { DATABASE_NAME, type Endpoint } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/bootstrap';
import {
  nodesFrom,
  readEnvironment,
  replicationAccount,
  SUPERVISOR_USER,
} from '@replication-lab/engines/config';
import { certificateFilesFrom } from '@replication-lab/engines/https';
import { pino } from 'pino';
import { Announcer } from './announcer.ts';
import { supervisorEnvironment } from './config.ts';
import type { AgentOrder } from './core/types.ts';
import { createStatusProbe, createStatusServer, type StatusParts } from './http.ts';
import { channelsFrom } from './notices/config.ts';
import { Supervisor } from './supervisor.ts';

async function main(): Promise<void> {
  const env = readEnvironment(supervisorEnvironment);
  const log = pino({ level: env.LOG_LEVEL, base: { supervisor: env.SUPERVISOR_NAME } });
  const engine = engineOf(env.DB_ENGINE);
  const name = env.SUPERVISOR_NAME;
  const announcer = new Announcer({
    supervisor: name,
    engine: env.DB_ENGINE,
    runbook: env.NOTIFY_RUNBOOK_URL,
    channels: channelsFrom(env),
    status: () => supervisor.status(),
    log,
  });
  const agents = new AgentClient(env.AGENT_PORT, env.AGENT_TOKEN, env.AGENT_TLS_CA);
  const supervisor = new Supervisor({
    engine,
    nodes: nodesFrom(env),
    account: { user: SUPERVISOR_USER, password: env.DB_SUPERVISOR_PASSWORD },
    replication: Object.fromEntries(env.DB_NODES.map(({ name }) => [name, replicationAccount(name, env)])),
    database: DATABASE_NAME,
    agents: {
      carryOut: (node, errand, signal) => carryOut(agents, node, errand, signal),
      isEmpty: async (node) => (await agents.health(node))?.boot?.phase === WITHOUT_DATA,
    },
    onEvent: (event, agoMs) => announcer.tell(event, agoMs),
  });
  const parts: StatusParts = {
    name,
    token: env.SUPERVISOR_TOKEN,
    status: () => supervisor.status(),
    events: (after) => announcer.eventsAfter(after),
    metrics: announcer.metrics.registry,
    switchover: (to) => supervisor.switchover(to),
    override: (to, allowDataLoss) => supervisor.override(to, allowDataLoss),
  };
  const files = certificateFilesFrom(env);
  const onUnusable = (error: Error) => log.error(error, 'the new certificate cannot be used');
  const servers = [createStatusServer(parts, { files, onUnusable }).listen(env.SUPERVISOR_PORT, env.HOST)];
  if (files && env.PROBE_PORT > 0) servers.push(createStatusProbe(parts).listen(env.PROBE_PORT, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  // TOPOLOGY=single: this process stays for the day when there are more.
  const hasReplicas = env.DB_NODES.length > 1;
  announcer.tell({ what: 'started', engine: env.DB_ENGINE, nodes: env.DB_NODES.map(({ name }) => name) });
  if (hasReplicas) supervisor.start();
  const doing = hasReplicas ? 'supervisor watches' : 'supervisor stands by: there is one node only';
  log.info({ port: env.SUPERVISOR_PORT, engine: env.DB_ENGINE }, doing);
  const end = () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    announcer.close();
    void supervisor.close().then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
}

/** What a boot script says that waits for an order to make data: infra/boot/lib.sh. */
const WITHOUT_DATA = 'waiting';
const ERRAND_TIMEOUT_MS = { restart: 60_000, rebuild: 600_000 } as const;

function carryOut(
  agents: AgentClient,
  node: Endpoint,
  errand: AgentOrder,
  signal: AbortSignal,
): Promise<void> {
  const { do: order, source, epoch, isGivenUp } = errand;
  return agents.carryOut(
    node,
    { order, source, epoch, ...(isGivenUp && { isGivenUp }) },
    ERRAND_TIMEOUT_MS[order],
    signal,
  );
}

await main();
