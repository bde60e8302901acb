import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeOwned, makeTemplate } from './postgres.ts';
import type { Place } from './types.ts';

/** Made by the first contender of a run that needs it, for all of them. */
export async function templateOf(place: Place, signal: AbortSignal): Promise<string> {
  const directory = join(dirname(place.directory), 'template');
  const made = join(directory, 'template');
  const complete = join(made, 'global/pg_control');
  const isThere = await stat(complete).then(
    () => true,
    () => false,
  );
  if (isThere) return made;
  place.progress('making a PostgreSQL data directory');
  await makeOwned(place, directory);
  return makeTemplate({ ...place, directory }, signal);
}
