import { DURABILITIES } from '@replication-lab/engines/config';
import { InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../duration.ts';
import { ENGINES, RUNTIMES, TOPOLOGIES } from '../state.ts';

/** Options that several verbs share. Made anew for each: commander keeps state in them. */
export const engineOption = () =>
  new Option('--engine <name>', 'database engine (default: mysql, or what this machine can run)').choices(
    ENGINES,
  );

export const topologyOption = () =>
  new Option(
    '--topology <name>',
    'single, or replicated: one primary and two replicas (the default)',
  ).choices(TOPOLOGIES);

export const durabilityOption = () =>
  new Option(
    '--durability <name>',
    'quorum: a commit waits for a replica, and supervisors replace a dead primary (the default); async: as in the textbook',
  ).choices(DURABILITIES);

export const runtimeOption = () =>
  new Option(
    '--runtime <name>',
    'docker (the default where a Docker engine answers), or native: plain processes',
  ).choices(RUNTIMES);

export function parseDuration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === null) throw new InvalidArgumentError('write it as 20s, 500ms or 2m.');
  return ms;
}

export function parseWholeSeconds(text: string): number {
  const ms = parseDuration(text);
  if (ms % 1000 !== 0) throw new InvalidArgumentError('whole seconds only, for example 5s.');
  return ms / 1000;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count))
    throw new InvalidArgumentError('a whole number, please.');
  return count;
}
