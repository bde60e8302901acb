import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Listed } from '@replication-lab/certificates';
import { z } from 'zod';

/**
 * When the certificates of a docker lab end: written where everybody may read it, because who watches over them is given none of
 * the folders that they are in.
 */
const ends = z.array(z.object({ file: z.string(), writtenEnd: z.coerce.date().nullable() }));

const FILE = 'certificates.json';

export async function writeEnds(publicDirectory: string, listed: readonly Listed[]): Promise<void> {
  const path = join(publicDirectory, FILE);
  const text = JSON.stringify(listed.map(({ file, writtenEnd }) => ({ file, writtenEnd })));
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
}

/** As they were when the one-shot `certificates` ran last. Throws when it never did, or the file is damaged. */
export async function readEnds(publicDirectory: string): Promise<z.infer<typeof ends>> {
  return ends.parse(JSON.parse(await readFile(join(publicDirectory, FILE), 'utf8')));
}
