import { accountsFrom, DATABASE_NAME } from '@replication-lab/engines';
import { BootstrapError, engineOf, runBootstrap } from '@replication-lab/engines/bootstrap';
import { nodesFrom, readEnvironment } from '@replication-lab/engines/config';
import { AgentClient } from './agent-client.ts';
import { awaitDatabases } from './await-databases.ts';
import { bootstrapEnvironment } from './config.ts';
import { endOnSignal } from './end-on-signal.ts';

const INITIALISE_TIMEOUT_MS = 60_000;
const COPY_TIMEOUT_MS = 600_000;

/**
 * The one-shot `bootstrap` of docker-compose.yml: opens the first primary of a fresh lab, or reopens the right node after
 * a stop; then attaches the replicas. Ends with 0 when the lab has a primary, 1 when it must not or cannot have one.
 */
async function main(): Promise<void> {
  const env = readEnvironment(bootstrapEnvironment);
  const signal = endOnSignal();
  const nodes = nodesFrom(env);
  const agents = new AgentClient(env.AGENT_PORT, env.AGENT_TOKEN, env.AGENT_TLS_CA);
  const progress = (message: string) => console.log(`bootstrap: ${message}`);

  await awaitDatabases({
    nodes,
    ask: (node) => agents.health(node),
    timeoutMs: env.BOOTSTRAP_DEADLINE_MS,
    progress,
    signal,
  });
  const engine = engineOf(env.DB_ENGINE);
  const result = await runBootstrap(
    {
      engine,
      nodes,
      accounts: accountsFrom(env),
      database: DATABASE_NAME,
      durability: env.DURABILITY,
      isEmpty: async (node) => (await agents.health(node))?.boot?.phase === 'waiting',
      initialise: (node, stop) => agents.carryOut(node, { order: 'initialise' }, INITIALISE_TIMEOUT_MS, stop),
      copyData: (node, source, stop) =>
        agents.carryOut(node, { order: 'copy', source: source.name }, COPY_TIMEOUT_MS, stop),
      timeoutMs: env.BOOTSTRAP_DEADLINE_MS,
    },
    progress,
    signal,
  );
  for (const { node, why } of result.refused) console.error(`bootstrap: ${node} stays closed: ${why}`);
  for (const node of result.silent) console.error(`bootstrap: ${node} does not answer and was left out`);
  progress(
    `${result.action}: ${result.primary} is the primary of epoch ${result.epoch}; ` +
      `replicas: ${result.replicas.join(', ') || 'none'}`,
  );
  if (env.LAB_URL) progress(`in a few seconds the API answers at ${env.LAB_URL}/users`);
}

try {
  await main();
} catch (error) {
  const code = error instanceof BootstrapError ? ` [${error.code}]` : '';
  console.error(`bootstrap: ${error instanceof Error ? error.message : String(error)}${code}`);
  process.exit(1);
}
