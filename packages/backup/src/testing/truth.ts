import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Connection, Engine, Position } from '@replication-lab/engines';
import { type LocalNode, layoutOf } from '@replication-lab/engines/local';
import { readLine } from '../mariadb/lines.ts';
import { lineReader } from '../mysql/gtids.ts';
import { eachLogged } from '../mysql-protocol/binlog.ts';
import { lsnOf } from '../postgres/wal.ts';
import { eachLine, requireTool } from '../tools.ts';
import type { Target } from '../types.ts';
import type { Write } from './ledger.ts';

/** A commit, as the primary's own log has it. */
export interface Commit {
  readonly key: string;
  readonly us: number;
  /** postgres: where its record begins. */
  readonly lsn: bigint;
}

const LINE =
  /tx:\s+(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+), .*desc: COMMIT (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) UTC/;

/** All commits that the primary still has in its log, in their order: read by the engine's own tool, and from no backup. */
export async function commitsOf(engine: Engine, primary: LocalNode): Promise<Commit[]> {
  const { data } = layoutOf(primary.spec.stateDir);
  return engine.name === 'postgres' ? walCommits(engine, data) : binlogCommits(engine, data);
}

async function walCommits(engine: Engine, data: string): Promise<Commit[]> {
  const file = await requireTool('pg_waldump', await engine.server.find());
  const all = globSync('[0-9A-F]*', { cwd: join(data, 'pg_wal') }).filter((name) => name.length === 24);
  // The writes are of the newest timeline.
  const timeline = all.toSorted().at(-1)!.slice(0, 8);
  const segments = all.filter((name) => name.startsWith(timeline)).toSorted();
  const commits: Commit[] = [];
  // It fails where the log ends; some of the files are there for later use.
  const script = 'TZ=UTC "$0" --rmgr=Transaction -p "$1" "$2" "$3" 2>/dev/null || true';
  const args = ['-c', script, file, join(data, 'pg_wal'), segments[0]!, segments.at(-1)!];
  const command = { file: '/bin/sh', args, cwd: data, timeoutMs: 120_000, urgent: true };
  await eachLine(command, (line) => {
    const match = LINE.exec(line);
    if (!match) return true;
    const [, key, lsn, date, time, fraction] = match;
    const us = Date.parse(`${date}T${time}Z`) * 1000 + Number(fraction);
    commits.push({ key: key!, us, lsn: lsnOf(`0/${lsn}` as Position) });
    return true;
  });
  return commits;
}

async function binlogCommits(engine: Engine, data: string): Promise<Commit[]> {
  const isMysql = engine.name === 'mysql';
  const file = await requireTool(isMysql ? 'mysqlbinlog' : 'mariadb-binlog', await engine.server.find());
  const files = globSync('binlog.[0-9]*', { cwd: data })
    .filter((name) => /^binlog\.\d+$/.test(basename(name)))
    .sort()
    .map((name) => join(data, name));
  const commits: Commit[] = [];
  await eachLogged({ file, cwd: data }, files, isMysql ? lineReader() : readLine, ({ gtid, us }) => {
    commits.push({ key: gtid, us, lsn: 0n });
    return true;
  });
  return commits;
}

/** The target that names a write and all that was committed before it. */
export function targetAt(engine: Engine, { position }: Write): Target {
  // A MySQL client is told the name of its own transaction alone.
  const whole = engine.name === 'mysql' ? position.replace(/:(\d+)$/, ':1-$1') : position;
  return { kind: 'position', position: engine.client.positions.parse(whole)! };
}

/** Rows by e-mail address as they must be at the target: every write replayed in the order of the log. */
export function expectedRows(
  engine: Engine,
  writes: readonly Write[],
  commits: readonly Commit[],
  target: Target,
): Map<string, string> {
  const byKey = new Map(writes.map((write) => [write.key, write]));
  const rows = new Map<string, string>();
  for (const commit of commits) {
    if (!isWithin(engine, commit, target)) break;
    const write = byKey.get(commit.key);
    if (write?.row) rows.set(write.email, `${write.row.name}/${write.row.version}`);
    else if (write) rows.delete(write.email);
  }
  return rows;
}

function isWithin(engine: Engine, { us, lsn, key }: Commit, target: Target): boolean {
  if (target.kind === 'time') return us <= target.us;
  if (engine.name === 'postgres') return lsn < lsnOf(target.position);
  return engine.client.positions.covers(target.position, key as Position);
}

export interface Exactness {
  readonly expected: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
}

/** The rows of ledgers, by e-mail address. */
export async function ledgerRows(connection: Connection): Promise<Map<string, string>> {
  const { rows } = await connection.query(
    "SELECT email, name, version FROM users WHERE email LIKE '%@ledger.test'",
  );
  return new Map(rows.map((row) => [String(row.email), `${row.name}/${row.version}`]));
}

/** What was found beside what must be there. */
export function exactness(
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): Exactness {
  const emails = [...expected.keys()];
  return {
    expected: expected.size,
    missing: emails.filter((email) => !found.has(email)).length,
    extra: [...found.keys()].filter((email) => !expected.has(email)).length,
    different: emails.filter((email) => found.has(email) && found.get(email) !== expected.get(email)).length,
  };
}
