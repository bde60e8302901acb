import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { pause, throwIfAborted } from '../wait.ts';
import { Children } from './children.ts';
import { CONTENDERS } from './contenders/index.ts';
import { stopLab } from './contenders/lab.ts';
import { judgeTrial } from './judge.ts';
import type { Block } from './plan.ts';
import { makeOwned } from './postgres.ts';
import type { Cluster, Contender, ContenderName, Fault, Place, Trial } from './types.ts';
import { readRows, Writer } from './writer.ts';

const WARM_WRITES = 50;
const WARM_MS = 30_000;
const RECOVER_MS = 120_000;
const SERVING_WRITES = 5;
/** Writing goes on for so long after the first new acknowledgement: a second gap would be seen. */
const AFTERWARDS_MS = 2_000;

export interface Surroundings extends Pick<Place, 'loopback' | 'bin' | 'runAs' | 'progress'> {
  readonly directory: string;
  readonly signal: AbortSignal;
  /** After each trial, with how many there were so far. */
  readonly onTrial: (trial: Trial, count: number) => void;
}

export interface Course {
  readonly trials: Trial[];
  readonly problems: string[];
}

/** Runs all blocks. A block that fails is named among the problems, and the next one comes. Throws Interrupted. */
export async function runBlocks(blocks: readonly Block[], around: Surroundings): Promise<Course> {
  const course: Course = { trials: [], problems: [] };
  const children = new Children(around.directory);
  const placeOf = (name: ContenderName): Place => ({
    ...around,
    children,
    directory: join(around.directory, name === 'lab' ? 'lab' : 'peer'),
  });
  await clear(children, placeOf('lab'), around.directory);
  try {
    for (const block of blocks) {
      const place = placeOf(block.contender);
      around.progress(`block ${block.number} of ${blocks.length}: ${CONTENDERS[block.contender].title}`);
      try {
        await runBlock(block, place, around, course);
      } catch (error) {
        throwIfAborted(around.signal);
        course.problems.push(`block ${block.number}, ${block.contender}: ${messageOf(error)}`);
        around.progress(`this block failed: ${messageOf(error)}`);
      }
    }
    return course;
  } finally {
    await children.killAll();
    if (course.problems.length === 0) await rm(around.directory, { recursive: true, force: true });
  }
}

/** Ends and removes what an interrupted run left. */
async function clear(children: Children, lab: Place, directory: string): Promise<void> {
  await children.killAll();
  await stopLab(lab);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o755 });
}

async function runBlock(block: Block, place: Place, around: Surroundings, course: Course): Promise<void> {
  const contender = CONTENDERS[block.contender];
  await rm(place.directory, { recursive: true, force: true });
  if (contender.name !== 'lab') await makeOwned(place, place.directory);
  let cluster: Cluster | null = null;
  try {
    cluster = await contender.start(place, around.signal);
    for (const { fault, phase } of block.trials) {
      const id = `t${course.trials.length}`;
      const shown = await runTrial(contender, cluster, { fault, phase, id, signal: around.signal });
      const trial = { contender: contender.name, fault, block: block.number, ...shown };
      course.trials.push(trial);
      around.onTrial(trial, course.trials.length);
      if (trial.outageMs === null) break; // nothing to build the next trial on
    }
  } finally {
    try {
      if (cluster) await cluster.stop();
      else if (contender.name === 'lab') await stopLab(place);
    } finally {
      await place.children.killAll();
    }
  }
}

interface Wanted {
  readonly fault: Fault;
  readonly phase: number;
  readonly id: string;
  readonly signal: AbortSignal;
}

async function runTrial(contender: Contender, cluster: Cluster, { fault, phase, id, signal }: Wanted) {
  const primary = await cluster.prepare(signal);
  const writer = new Writer(cluster.nodes, cluster.login, id);
  writer.start();
  try {
    await writer.untilServing(1, { count: WARM_WRITES, timeoutMs: WARM_MS, signal });
    await pause(phase * contender.looksEveryMs, signal);
    const { connection } = writer;
    const struckMs = performance.now();
    await cluster.strike(cluster.nodes.find(({ name }) => name === primary)!, fault);
    const recovered = await writer
      .untilServing(connection + 1, { count: SERVING_WRITES, timeoutMs: RECOVER_MS, signal })
      .then(
        () => true,
        () => false,
      );
    throwIfAborted(signal);
    if (recovered) await pause(AFTERWARDS_MS, signal);
    await writer.stop();
    const rows = recovered ? await readRows(cluster.nodes, cluster.login, id, signal) : null;
    return { primary, ...judgeTrial(writer.writes, rows, struckMs) };
  } finally {
    await writer.stop();
  }
}
