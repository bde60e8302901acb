import { parseArgs } from 'node:util';
import { ADMIN_USER, type Connection, DATABASE_NAME, getEngineClient } from '@replication-lab/engines';
import { seedUsers } from '@replication-lab/engines/bootstrap';
import { nodesFrom, readEnvironment } from '@replication-lab/engines/config';
import { type BootstrapEnvironment, bootstrapEnvironment } from './config.ts';
import { endOnSignal } from './end-on-signal.ts';

const CONNECT_TIMEOUT_MS = 3000;

/**
 * `node services/agent/src/seed.ts --users 100000 [--seed 1]`: makes sure that these users are there, on the node that
 * says it is the primary. Repeating it writes nothing. Does not wait for replicas.
 */
async function main(): Promise<void> {
  const { count, seed } = readArguments();
  const env = readEnvironment(bootstrapEnvironment);
  await using connection = await connectPrimary(env);
  const progress = (message: string) => console.log(`seed: ${message}`);
  const added = await seedUsers(env.DB_ENGINE, connection, { count, seed }, progress, endOnSignal());
  progress(`${count} users are there on ${connection.endpoint.name}; ${added} of them are new`);
}

function readArguments(): { count: number; seed: number } {
  const { values } = parseArgs({
    options: { users: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  });
  const count = Number(values.users);
  const seed = Number(values.seed);
  if (Number.isSafeInteger(count) && count > 0 && Number.isSafeInteger(seed)) return { count, seed };
  console.error('usage: seed.ts [--users COUNT] [--seed NUMBER]');
  process.exit(2);
}

async function connectPrimary(env: BootstrapEnvironment): Promise<Connection> {
  const client = getEngineClient(env.DB_ENGINE);
  const admin = { user: ADMIN_USER[env.DB_ENGINE], password: env.DB_ADMIN_PASSWORD };
  const reasons: string[] = [];
  for (const node of nodesFrom(env)) {
    try {
      const connection = await client.connect(node, admin, {
        database: DATABASE_NAME,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
      });
      const { role, readOnly } = await client.probe(connection);
      if (role === 'primary' && !readOnly) return connection;
      reasons.push(`${node.name} is ${role}`);
      await connection.close();
    } catch (error) {
      reasons.push(`${node.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`no node takes writes (${reasons.join('; ')}); docker compose up --wait opens one`);
}

try {
  await main();
} catch (error) {
  console.error(`seed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
