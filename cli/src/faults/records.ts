import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { processIdentity } from '../processes.ts';

/** What is broken on purpose right now: one file a fault in the state directory, written before it is applied. */
export const faultRecord = z.object({
  id: z.string().regex(/^[a-z]+-[a-z0-9-]+$/),
  fault: z.string(),
  part: z.string(),
  settings: z.object({ seconds: z.number().int().positive().optional() }),
  /** Milliseconds since 1970. */
  appliedAtMs: z.number(),
  healAtMs: z.number(),
  /** The process that heals it at its time; null until it was started. */
  healer: processIdentity.nullable(),
  /** Why the last attempt to heal failed. */
  lastError: z.string().nullable().default(null),
});
export type FaultRecord = z.infer<typeof faultRecord>;

export const faultsDirectory = (stateDir: string): string => join(stateDir, 'faults');

/** One fault of a kind per part: doing it again means "until later". */
export const faultId = (fault: string, part: string): string => `${fault}-${part}`;

const fileOf = (stateDir: string, id: string) => join(faultsDirectory(stateDir), `${id}.json`);

export async function writeRecord(stateDir: string, record: FaultRecord): Promise<void> {
  await mkdir(faultsDirectory(stateDir), { recursive: true });
  const path = fileOf(stateDir, record.id);
  await writeFile(`${path}.${process.pid}.new`, `${JSON.stringify(record, null, 2)}\n`);
  await rename(`${path}.${process.pid}.new`, path);
}

export async function readRecord(stateDir: string, id: string): Promise<FaultRecord | null> {
  try {
    return faultRecord.parse(JSON.parse(await readFile(fileOf(stateDir, id), 'utf8')));
  } catch {
    return null;
  }
}

export async function removeRecord(stateDir: string, id: string): Promise<void> {
  await rm(fileOf(stateDir, id), { force: true });
}

export async function listRecords(stateDir: string): Promise<FaultRecord[]> {
  const names = await readdir(faultsDirectory(stateDir)).catch(() => []);
  const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  const records = await Promise.all(ids.sort().map((id) => readRecord(stateDir, id)));
  return records.filter((record) => record !== null);
}
