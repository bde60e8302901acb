import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The checkout this command runs from. */
export const repositoryRoot = resolve(import.meta.dirname, '../..');

/**
 * Everything the native lab writes, and state.json of either runtime. Not below the checkout: database servers run as
 * unprivileged users, who cannot enter a checkout below a root-only home. Short: socket paths end at 107 bytes.
 */
export const stateDirectory = (env: NodeJS.ProcessEnv = process.env): string =>
  resolve(env.LAB_STATE_DIR || '/var/tmp/replication-lab');

/** One directory an engine, so that the data of each survives a visit to another. */
export const engineDirectory = (stateDir: string, engine: string): string => join(stateDir, engine);

/** What is installed once for all labs of this user; as in ./lab. */
export const cacheDirectory = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'replication-lab');
