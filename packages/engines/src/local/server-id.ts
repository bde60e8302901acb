import { open, readFile, rename } from 'node:fs/promises';
import type { ServerSpec } from '../types.ts';
import { LocalError } from './errors.ts';
import { layoutOf, own } from './layout.ts';

/** The nodes' first ids are below this, so those of different nodes never meet. */
const STEP = 10;

/** The id of this node's present data directory (mysql, mariadb). LocalError `state-unusable` when its file holds none. */
export async function readServerId(spec: ServerSpec): Promise<number> {
  const path = layoutOf(spec.stateDir).serverId;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return spec.serverId;
  if (/^[1-9]\d{0,8}\n$/.test(text)) return Number(text);
  throw new LocalError(
    'state-unusable',
    `${path} holds no server id. Write a number into it that no node of this lab has ever had, or ./lab down --volumes.`,
  );
}

/**
 * Takes an id that no node has ever had, for data that is made anew: a replica skips events of its own id, and the other
 * nodes' logs hold what this node wrote under the old one. Returns when a loss of power would not bring the old id back.
 */
export async function renewServerId(spec: ServerSpec): Promise<number> {
  const next = (await readServerId(spec)) + STEP;
  const path = layoutOf(spec.stateDir).serverId;
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(`${next}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await own(spec, `${path}.new`, 0o600);
  await rename(`${path}.new`, path);
  await syncDirectory(spec.stateDir);
  return next;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
