import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { repositoryRoot } from './paths.ts';

/** The variables of .env (what `docker compose up` alone would take), then those of the shell, which win. */
export function labSettings(
  env: NodeJS.ProcessEnv = process.env,
): Readonly<Record<string, string | undefined>> {
  let file: Record<string, string | undefined> = {};
  try {
    file = parseEnv(readFileSync(join(repositoryRoot, '.env'), 'utf8'));
  } catch {
    // no .env: the defaults of docker-compose.yml hold
  }
  return { ...file, ...env };
}
