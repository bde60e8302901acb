import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { engineOf, runAsFor } from '@replication-lab/engines/local';
import { readCommit } from '../commit.ts';
import { LabError } from '../errors.ts';
import { withLock } from '../lock.ts';
import { serverNeed } from '../native/needs.ts';
import { ensurePackages } from '../native/packages.ts';
import { stateDirectory } from '../paths.ts';
import { type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { CONTENDERS } from './contenders/index.ts';
import { planBlocks } from './plan.ts';
import { readMachine, readVersions, updatePage, writeResults } from './results.ts';
import { runBlocks } from './run.ts';
import { type BenchFailover, CONTENDER_NAMES, type ContenderName } from './types.ts';
import { renderText, renderTrial } from './words.ts';

export interface BenchFailoverOptions {
  readonly only?: string;
  readonly trials?: number;
  readonly hostTrials?: number;
  readonly seed?: number;
  readonly updateReadme?: boolean;
}

/** Beside the addresses of a lab that may be up. */
const LOOPBACK = '127.9';
const LOCK_WAIT_MS = 5_000;
const DEFAULT_TRIALS = 3;
/** They take half a minute each. */
const DEFAULT_HOST_TRIALS = 2;

/**
 * Measures how long writes are out, and how many are lost, when a primary dies: this lab beside others, in blocks in random
 * order on this machine. Exit 1 when something went wrong or this lab lost a write.
 */
export async function benchFailover(context: VerbContext<BenchFailoverOptions>): Promise<ExitCode> {
  const { options, out } = context;
  const contenders = parseContenders(options.only);
  const needs = contenders.flatMap((name) => CONTENDERS[name].needs);
  await ensurePackages([serverNeed(engineOf('postgres')), ...needs], context);
  // Short, for the paths of sockets; and never the state of a lab that is up.
  const directory = `${stateDirectory()}-bench`;
  const lock = { name: 'bench', purpose: 'bench failover', waitMs: LOCK_WAIT_MS, signal: context.signal };
  const lockDirectory = `${directory}-lock`;
  const bench = await withLock(lockDirectory, lock, () => measure(contenders, directory, context)).finally(
    () => rmdir(lockDirectory).catch(() => {}), // another run may wait there
  );
  out.line(renderText(bench));
  out.line(`\nFigures: ${await writeResults(bench)}`);
  if (options.updateReadme) out.line(`Written: ${await updatePage(bench)}`);
  if (context.json) out.json(bench);
  const isGood = bench.problems.length === 0 && bench.trials.every(isSafeWhereItIsOurs);
  return isGood ? exitCode.done : exitCode.failed;
}

/** What others lose is their table's line; what this lab loses is a defect. */
const isSafeWhereItIsOurs = ({ contender, lost, duplicates }: BenchFailover['trials'][number]): boolean =>
  contender !== 'lab' || (lost === 0 && duplicates === 0);

async function measure(
  contenders: readonly ContenderName[],
  directory: string,
  { options, out, progress, signal }: VerbContext<BenchFailoverOptions>,
): Promise<BenchFailover> {
  const { trials = DEFAULT_TRIALS, hostTrials = DEFAULT_HOST_TRIALS, seed = 1 } = options;
  const chosen = contenders.map((name) => CONTENDERS[name]);
  const blocks = planBlocks(chosen, { server: trials, host: hostTrials }, seed);
  const wanted = blocks.reduce((sum, block) => sum + block.trials.length, 0);
  const server = await engineOf('postgres').server.find();
  if (!server) throw new LabError('missing-servers', 'missing: the postgres server', './lab doctor');
  const began = Date.now();
  const about = { machine: readMachine(), commit: await readCommit() };
  const course = await runBlocks(blocks, {
    ...{ directory, signal, progress, bin: dirname(server.path), runAs: idsOf(await runAsFor('postgres')) },
    loopback: process.env.LAB_LOOPBACK || LOOPBACK,
    onTrial: (trial, count) => out.line(`[${count}/${wanted}] ${renderTrial(trial)}`),
  });
  const usesPatroni = contenders.some((name) => name.startsWith('patroni'));
  const programs = {
    PostgreSQL: join(dirname(server.path), 'postgres'),
    ...(usesPatroni && { Patroni: 'patroni', etcd: 'etcd' }),
  };
  return {
    ...{ format: 1, startedAt: new Date(began).toISOString(), seed, ...about, ...course },
    seconds: Math.round((Date.now() - began) / 1000),
    versions: await readVersions(programs),
  };
}

const idsOf = (runAs: { uid: number; gid: number } | null) => runAs && { uid: runAs.uid, gid: runAs.gid };

/** Throws LabError `usage`. */
export function parseContenders(text: string | undefined): ContenderName[] {
  if (text === undefined) return [...CONTENDER_NAMES];
  const wanted = text.split(',').map((part) => part.trim());
  const unknown = wanted.filter((part) => !CONTENDER_NAMES.some((name) => name === part));
  if (unknown.length > 0)
    throw new LabError('usage', `--only: no ${unknown.join(', ')}; there are ${CONTENDER_NAMES}`, null);
  return CONTENDER_NAMES.filter((name) => wanted.includes(name));
}
