import type { EngineName } from '@replication-lab/engines';
import { z } from 'zod';
import { isDatabase, type PartName } from '../runtime.ts';
import type { Condition } from '../status/types.ts';
import { compose } from './compose.ts';

const container = z.object({
  ID: z.string(),
  Service: z.string(),
  State: z.string(),
  Health: z.string().default(''),
  Publishers: z
    .array(z.object({ TargetPort: z.number(), PublishedPort: z.number() }))
    .nullish()
    .transform((list) => list ?? []),
});
export type Container = z.infer<typeof container>;

/** `docker compose ps --format json`: one array, or (since compose 2.21) one object a line. */
export function parseContainers(text: string): Container[] {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  const items = trimmed.startsWith('[')
    ? JSON.parse(trimmed)
    : trimmed.split('\n').map((line) => JSON.parse(line));
  return z.array(container).parse(items);
}

/** Every container of the project, whatever profile it belongs to, ended ones included. */
export async function listContainers(env: Readonly<Record<string, string>> = {}): Promise<Container[]> {
  return parseContainers(await compose(['--profile', '*', 'ps', '--all', '--format', 'json'], { env }));
}

/** The container that is killed or frozen for a part: of a database host the database, not the host. */
export const serviceOf = (engine: EngineName, part: PartName): string =>
  isDatabase(part) ? `${engine}-${part.slice(part.lastIndexOf('-') + 1)}` : part;

export function conditionOf(containers: readonly Container[], service: string): Condition {
  const state = containers.find(({ Service }) => Service === service)?.State;
  if (state === 'running') return 'running';
  return state === 'paused' ? 'frozen' : 'down';
}
