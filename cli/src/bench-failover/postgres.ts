import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { Client } from 'pg';
import { LabError } from '../errors.ts';
import { throwIfAborted, waitFor } from '../wait.ts';
import type { BenchNode, Login, Place } from './types.ts';
import { CREATE_TABLE, TABLE } from './writer.ts';

/** PostgreSQL as it comes, for the contenders that are not this lab. */

const TOOL_MS = 60_000;
const LOGIN_MS = 30_000;
const PORT = 5432;

export const SUPERUSER = { user: 'postgres', password: 'bench-superuser' };
export const REPLICATION = { user: 'replicator', password: 'bench-replication' };
export const CLIENT: Login = { user: 'client', password: 'bench-client', database: 'bench' };
export const NODES = ['db-1', 'db-2', 'db-3'] as const;

export const nodesOf = ({ directory, loopback }: Pick<Place, 'directory' | 'loopback'>): BenchNode[] =>
  NODES.map((name, i) => ({
    name,
    host: `${loopback}.50.${i + 1}`,
    port: PORT,
    dataDir: join(directory, name, 'data'),
  }));

/** Runs a program to its end as the servers' user. Throws LabError `bench-tool-failed` with what it said. */
export async function runTool(place: Place, file: string, args: readonly string[], signal: AbortSignal) {
  const result = await execa(file, args, {
    ...(place.runAs ?? {}),
    cwd: place.directory,
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: TOOL_MS,
    cancelSignal: signal,
  });
  throwIfAborted(signal);
  if (result.exitCode !== 0)
    throw new LabError('bench-tool-failed', `${file} failed: ${result.all?.slice(-500)}`, null);
}

/** A directory of the servers' user. */
export async function makeOwned({ runAs }: Pick<Place, 'runAs'>, path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  if (runAs) await chown(path, runAs.uid, runAs.gid);
}

/** Like its data directory's owner, readable by nobody else. */
export async function writeOwned({ runAs }: Pick<Place, 'runAs'>, path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  if (runAs) await chown(path, runAs.uid, runAs.gid);
}

/** Starts the server as a child of ours, with PostgreSQL's own defaults. */
export async function startServer(place: Place, node: BenchNode): Promise<void> {
  const settings = { listen_addresses: node.host, port: String(node.port), unix_socket_directories: '' };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  await place.children.start(node.name, {
    ...{ file: join(place.bin, 'postgres'), args: ['-D', node.dataDir, ...args] },
    ...{ runAs: place.runAs, logFile: join(place.directory, `${node.name}.log`) },
  });
}

/** Asks one server as its superuser. Null: it does not answer, or says no. */
export async function tryAsSuperuser<T extends object>(
  { host, port }: BenchNode,
  sql: string,
  database = 'postgres',
): Promise<T[] | null> {
  const client = new Client({
    ...{ host, port, database, ...SUPERUSER },
    ...{ connectionTimeoutMillis: 1_000, query_timeout: 5_000 },
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query<T>(sql)).rows;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Waits until the statement is done. Throws LabError `not-in-time`. */
async function asSuperuser(node: BenchNode, sql: string, signal: AbortSignal, database?: string) {
  const what = `${node.name} to answer`;
  await waitFor(() => tryAsSuperuser(node, sql, database), { what, timeoutMs: LOGIN_MS, signal });
}

/**
 * A stopped server's data with the accounts, the client's database and its table, to be copied for every node of every block.
 * Made once a run. Returns its directory.
 */
export async function makeTemplate(place: Place, signal: AbortSignal): Promise<string> {
  const dataDir = join(place.directory, 'template');
  const passwordFile = join(place.directory, 'password');
  await writeOwned(place, passwordFile, SUPERUSER.password);
  const options = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', `--username=${SUPERUSER.user}`];
  await runTool(
    place,
    join(place.bin, 'initdb'),
    [`--pgdata=${dataDir}`, `--pwfile=${passwordFile}`, ...options],
    signal,
  );
  const hba = ['all', 'replication'].map((what) => `host ${what} all 127.0.0.0/8 scram-sha-256\n`).join('');
  await writeOwned(place, join(dataDir, 'pg_hba.conf'), hba);
  const node = { ...nodesOf(place)[0]!, name: 'template', dataDir };
  await startServer(place, node);
  const replication = `CREATE ROLE ${REPLICATION.user} REPLICATION LOGIN PASSWORD '${REPLICATION.password}'`;
  const client = `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'`;
  for (const sql of [replication, client, `CREATE DATABASE ${CLIENT.database}`])
    await asSuperuser(node, sql, signal);
  for (const sql of [CREATE_TABLE, `GRANT SELECT, INSERT ON ${TABLE} TO ${CLIENT.user}`])
    await asSuperuser(node, sql, signal, CLIENT.database);
  const stop = ['stop', `--pgdata=${dataDir}`, '--mode=fast', '--wait'];
  await runTool(place, join(place.bin, 'pg_ctl'), stop, signal);
  await place.children.killAll();
  return dataDir;
}

/** The node's data becomes a copy of the template's. */
export async function copyTemplate(
  place: Place,
  template: string,
  node: BenchNode,
  signal: AbortSignal,
): Promise<void> {
  await makeOwned(place, join(place.directory, node.name));
  await runTool(place, 'rm', ['-rf', node.dataDir], signal);
  await runTool(place, 'cp', ['-a', template, node.dataDir], signal);
}

interface Standby {
  readonly state: string;
  readonly sync_state: string;
}

/** The open primary, when both others stream from it (and, with `synchronous`, one of them confirms); else null. */
export async function wholePrimary(
  nodes: readonly BenchNode[],
  synchronous: boolean,
): Promise<BenchNode | null> {
  for (const node of nodes) {
    const standbys = await tryAsSuperuser<Standby>(
      node,
      `SELECT state, sync_state FROM pg_stat_replication WHERE NOT pg_is_in_recovery()`,
    );
    if (standbys?.filter(({ state }) => state === 'streaming').length !== nodes.length - 1) continue;
    if (!synchronous || standbys.some(({ sync_state }) => sync_state !== 'async')) return node;
  }
  return null;
}
