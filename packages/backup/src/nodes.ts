import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, NodeProbe, Position } from '@replication-lab/engines';
import { EngineError } from '@replication-lab/engines';
import type { LocalNode } from '@replication-lab/engines/local';
import { connectForBackup } from './connect.ts';
import { type Candidate, type Choice, chooseSource } from './decide/source.ts';
import { BackupError } from './errors.ts';
import type { BackupEngine, Site } from './types.ts';

const ASK_MS = 3_000;
/** A replica that is not where the primary was when it was asked, after this, is not a caught-up one. */
const CATCH_UP_MS = 10_000;
/** The same where one that is behind will do: under many writes a replica may be so for as long as they last. */
const CATCH_UP_OR_LAG_MS = 1_000;
/** Between two looks: a look is a new connection to each node, and the servers pay for it. */
const LOOK_AGAIN_MS = { first: 100, most: 1_000 };

/** What the primary said. */
export interface Head {
  readonly primary: string;
  readonly lineage: string;
  /** Read before `end`. */
  readonly clockUs: number;
  readonly end: Position;
}

export function nodeOf(site: Site, name: string): LocalNode {
  const node = site.nodes.find(({ spec }) => spec.node.name === name);
  if (!node) throw new BackupError('no-node', `there is no node ${name}`);
  return node;
}

/** A connection of the account for backups to the lab's database; closed afterwards. */
export async function withNode<T>(
  site: Site,
  name: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  let connection: Connection;
  try {
    connection = await connectForBackup(site, nodeOf(site, name));
  } catch (error) {
    if (error instanceof EngineError && error.code === 'access-denied')
      throw new BackupError(
        'no-account',
        `${name} has no account \`backup\`, or another password of it`,
        'a lab that was made by an older version has none: ./lab down --volumes, then ./lab up',
        error,
      );
    throw error;
  }
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

async function probe(site: Site, name: string): Promise<NodeProbe | null> {
  try {
    const { host } = nodeOf(site, name).spec.node;
    if (!host) return null;
    await using connection = await site.engine.client.connect(
      nodeOf(site, name).spec.node,
      site.accounts.monitor,
      { database: site.database, connectTimeoutMs: ASK_MS },
    );
    return await site.engine.client.probe(connection, { timeoutMs: ASK_MS });
  } catch {
    return null; // dead, frozen or not ready: not one to copy from
  }
}

const look = (site: Site): Promise<Candidate[]> =>
  Promise.all(
    site.nodes.map(async ({ spec }) => ({ name: spec.node.name, probe: await probe(site, spec.node.name) })),
  );

/** The end of the log and the time, as the primary has them. BackupError `no-node` when no node answers. */
export async function headOf(site: Site, engine: BackupEngine): Promise<Head> {
  const candidates = await look(site);
  // One that was deposed and does not know it yet still takes itself for the primary.
  const [primary] = candidates
    .filter(({ probe }) => probe?.role === 'primary')
    .toSorted((a, b) => (b.probe?.epoch ?? 0) - (a.probe?.epoch ?? 0))
    .map(({ name }) => name);
  if (!primary)
    throw new BackupError(
      'no-node',
      'no primary answers: nobody can tell how far the log goes',
      './lab status',
    );
  return withNode(site, primary, async (connection) => {
    const lineage = await engine.lineage(connection);
    const clockUs = await engine.clockUs(connection);
    return { primary, lineage, clockUs, end: await engine.logEnd(connection) };
  });
}

/** The node to read, once one has come up to `upTo`. `mayLag`: see `chooseSource`. */
export async function sourceFor(
  site: Site,
  upTo: Position,
  lastTime: string | null,
  { mayLag = false, signal }: { readonly mayLag?: boolean; readonly signal?: AbortSignal | undefined } = {},
): Promise<Choice> {
  const { positions } = site.engine.client;
  const startedMs = performance.now();
  for (let pauseMs = LOOK_AGAIN_MS.first; ; pauseMs = Math.min(2 * pauseMs, LOOK_AGAIN_MS.most)) {
    const candidates = await look(site);
    const waitedMs = performance.now() - startedMs;
    const late = waitedMs > CATCH_UP_MS;
    const choice = chooseSource(candidates, upTo, positions, lastTime, false);
    // With no replica at all there is nothing to wait for.
    if (choice && (choice.why === null || late || site.nodes.length === 1)) return choice;
    if (mayLag && waitedMs > CATCH_UP_OR_LAG_MS) {
      const behind = chooseSource(candidates, upTo, positions, lastTime, true);
      if (behind && behind.name !== choice?.name) return behind;
    }
    if (late) throw new BackupError('no-node', 'no node answers that could be copied', './lab status');
    await sleep(pauseMs, undefined, { ...(signal && { signal }) });
  }
}
