import { type Connection, type Credentials, type Endpoint, type Engine, EngineError } from '../types.ts';
import type { Observation } from './decide.ts';

const CONNECT_TIMEOUT_MS = 3000;
const ASK_TIMEOUT_MS = 3000;

export interface LabAccess {
  readonly engine: Engine;
  readonly admin: Credentials;
  readonly database: string;
}

/** As administrator, in the lab's database where there is one already, else in none. */
export async function connectLab(
  { engine, admin, database }: LabAccess,
  node: Endpoint,
): Promise<{ connection: Connection; inDatabase: boolean }> {
  const { client } = engine;
  const connectTimeoutMs = CONNECT_TIMEOUT_MS;
  try {
    return {
      connection: await client.connect(node, admin, { database, connectTimeoutMs }),
      inDatabase: true,
    };
  } catch {
    return { connection: await client.connect(node, admin, { connectTimeoutMs }), inDatabase: false };
  }
}

/** Never throws for what a node does or does not do: that is the observation. */
export async function observe(
  access: LabAccess,
  node: Endpoint,
  isEmpty: (node: Endpoint) => Promise<boolean>,
): Promise<Observation> {
  try {
    if (await isEmpty(node)) return { node: node.name, state: 'empty' };
    const { connection, inDatabase } = await connectLab(access, node);
    await using _ = connection;
    const { client, admin } = access.engine;
    const probe = await client.probe(connection, { timeoutMs: ASK_TIMEOUT_MS });
    const pristine = await admin.isPristine(connection);
    const finished = !pristine && inDatabase && (await hasMarker(connection));
    const held = await admin.held(connection, probe);
    return { node: node.name, state: 'up', pristine, finished, held, probe };
  } catch (error) {
    return { node: node.name, state: 'silent', why: error instanceof Error ? error.message : String(error) };
  }
}

/** In the connection's database. */
export async function hasMarker(connection: Connection): Promise<boolean> {
  try {
    const { rows } = await connection.query('SELECT 1 FROM lab_marker WHERE id = 1', [], {
      timeoutMs: ASK_TIMEOUT_MS,
    });
    return rows.length > 0;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'bad-statement') return false; // no such table yet
    throw error;
  }
}
