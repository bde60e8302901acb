import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerSpec } from '../types.ts';
import { type Layout, writeOwned } from './layout.ts';

/** The configuration files that both runtimes share. */
const INFRA = fileURLToPath(new URL('../../../../infra/', import.meta.url));

/**
 * Copies a file of `infra/` to the node, and returns the copy's path. Copied because the server's user often cannot
 * enter the checkout, and because a running node should not change under an edit.
 */
export async function installConfig(spec: ServerSpec, layout: Layout, engineFile: string): Promise<string> {
  const target = join(layout.conf, engineFile.slice(engineFile.indexOf('/') + 1));
  await writeOwned(spec, target, await readFile(join(INFRA, engineFile), 'utf8'));
  return target;
}
