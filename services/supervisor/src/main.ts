import { once } from 'node:events';
import { DATABASE_NAME } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/bootstrap';
import { ADMIN_USER, readEnvironment, replicationUser } from '@replication-lab/engines/config';
import { type Logger, pino } from 'pino';
import { supervisorEnvironment } from './config.ts';
import { createStatusServer } from './http.ts';
import { Supervisor, type SupervisorEvent } from './supervisor.ts';

async function main(): Promise<void> {
  const env = readEnvironment(supervisorEnvironment);
  const log = pino({ level: env.LOG_LEVEL, base: { supervisor: env.SUPERVISOR_NAME } });
  const engine = engineOf(env.DB_ENGINE);
  const supervisor = new Supervisor({
    engine,
    nodes: env.DB_NODES,
    admin: { user: ADMIN_USER[env.DB_ENGINE], password: env.DB_ADMIN_PASSWORD },
    replication: Object.fromEntries(
      env.DB_NODES.map(({ name }) => [
        name,
        { user: replicationUser(name), password: env.DB_REPLICATION_PASSWORD },
      ]),
    ),
    database: DATABASE_NAME,
    onEvent: (event) => tell(log, event),
  });
  const server = createStatusServer({
    name: env.SUPERVISOR_NAME,
    token: env.SUPERVISOR_TOKEN,
    status: () => supervisor.status(),
  });
  server.listen(env.SUPERVISOR_PORT, env.HOST);
  await once(server, 'listening');
  // TOPOLOGY=single: this process stays for the day when there are more.
  const hasReplicas = env.DB_NODES.length > 1;
  if (hasReplicas) supervisor.start();
  const doing = hasReplicas ? 'supervisor watches' : 'supervisor stands by: there is one node only';
  log.info({ port: env.SUPERVISOR_PORT, engine: env.DB_ENGINE }, doing);
  const end = () => {
    server.close();
    server.closeAllConnections();
    void supervisor.close().then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
}

/** The event log, readable by a person: one line a change. */
function tell(log: Logger, event: SupervisorEvent): void {
  if (event.what === 'phase') {
    const { from, to, epoch, primary, why } = event;
    const level = to === 'refusing' ? 'error' : 'info';
    log[level]({ from, to, epoch, primary, why }, `${from} -> ${to}`);
    return;
  }
  const { action, outcome, ms, error } = event;
  const { do: verb, node, ...rest } = action;
  if (verb === 'lock' && outcome === 'done') return;
  const level = outcome === 'done' ? 'info' : 'warn';
  log[level]({ ...rest, node, ms: Math.round(ms), error }, `${verb} ${node}: ${outcome}`);
}

await main();
