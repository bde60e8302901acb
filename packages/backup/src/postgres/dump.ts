import { join } from 'node:path';
import { connectForBackup } from '../connect.ts';
import { type Command, requireTool } from '../tools.ts';
import type { DumpJob, DumpMoment, EngineDump, Site } from '../types.ts';
import { snapshot, sums } from './look.ts';
import { binaryOf, reachOf } from './reach.ts';

const DUMP_MS = 3_600_000;
const LOAD_MS = 3_600_000;
/** A table that is being changed holds a dump up; on a standby so does its replay. */
const LOCK_WAIT_MS = 10_000;

/** The dump is of a snapshot that a session of ours has exported: what is compared with it is read in the very same one. */
async function begin({ site, source, signal }: DumpJob): Promise<DumpMoment> {
  const connection = await connectForBackup(site, source);
  try {
    const position = await snapshot(connection, signal);
    if (position === null) await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await connection.query('SELECT pg_export_snapshot() AS name');
    const { spec } = source;
    const { args, env } = await reachOf(
      spec,
      join(site.directory, 'work'),
      site.accounts.backup,
      'verify-full',
    );
    const how = ['--format=custom', '--compress=0', `--snapshot=${rows[0]?.name}`];
    const command: Command = {
      file: await requireTool('pg_dump', await binaryOf(site)),
      args: [...args, ...how, `--lock-wait-timeout=${LOCK_WAIT_MS}`, `--dbname=${site.database}`],
      ...{ cwd: spec.stateDir, env, runAs: spec.runAs, timeoutMs: DUMP_MS, signal },
    };
    return {
      command,
      hasBegun: () => true,
      witness: async () => ({ position, tables: await sums(connection) }),
      [Symbol.asyncDispose]: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The scratch node boots closed, as a standby that follows nobody. Accounts and their rights it is given by itself. */
async function loader(site: Site, signal?: AbortSignal): Promise<Command> {
  const { scratch, engine, database } = site;
  await using connection = await engine.client.connect(scratch.node, scratch.admin);
  await engine.admin.open(connection);
  // It shows another node's certificate.
  const { args, env } = await reachOf(scratch, join(scratch.stateDir, 'tmp'), scratch.admin, 'verify-ca');
  const how = ['--exit-on-error', '--no-owner', '--no-privileges', `--dbname=${database}`];
  return {
    file: await requireTool('pg_restore', await binaryOf(site)),
    args: [...args, ...how],
    ...{ cwd: scratch.stateDir, env, runAs: scratch.runAs, timeoutMs: LOAD_MS, signal, urgent: true },
  };
}

export const dump: EngineDump = {
  loadedWith: 'pg_restore --no-owner --no-privileges --dbname=DATABASE',
  begin,
  loader,
};
