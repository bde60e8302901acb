import { join } from 'node:path';
import { LocalNode } from '@replication-lab/engines/local';
import { pipe } from '../tools.ts';
import type { Site } from '../types.ts';
import { filesOf } from './binlog.ts';
import { optionFile } from './reach.ts';

const APPLY_MS = 3_600_000;

/** Has the scratch server execute what of a piece `which` chooses. */
export async function applyPiece(
  site: Site,
  directory: string,
  {
    binlogTool,
    client,
    which,
    signal,
  }: {
    readonly binlogTool: string;
    readonly client: string;
    readonly which: readonly string[];
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const { scratch, engine } = site;
  const options = await optionFile(engine.name, scratch, join(scratch.stateDir, 'tmp'), scratch.admin);
  const common = { cwd: scratch.stateDir, runAs: scratch.runAs, timeoutMs: APPLY_MS, signal, urgent: true };
  await pipe(
    { ...common, file: binlogTool, args: ['--no-defaults', ...which, ...(await filesOf(directory))] },
    { ...common, file: client, args: [options, '--binary-mode'] },
  );
}

/** The scratch server, booted closed and following nobody. */
export async function bootScratch({ scratch, engine }: Site, signal?: AbortSignal): Promise<LocalNode> {
  const node = new LocalNode({ ...scratch, supervised: true }, engine);
  await node.start({ timeoutMs: 600_000, ...(signal && { signal }) });
  return node;
}
