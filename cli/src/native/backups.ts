import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  BackupError,
  backupEngineOf,
  discardScratch,
  findTool,
  missingTool,
  type Site,
} from '@replication-lab/backup';
import type { Endpoint, EngineName } from '@replication-lab/engines';
import { DEFAULT_PORT, NODE_NAMES } from '@replication-lab/engines/config';
import { engineOf, LocalError } from '@replication-lab/engines/local';
import { LabError, messageOf, systemCode } from '../errors.ts';
import type { NativeLab } from './lab.ts';
import type { NativePlan } from './layout.ts';
import type { Need } from './packages.ts';

/** Where the backups of a native lab are, and the node that they are restored into. */

/** Two of them: proving a backup must not take the node away that somebody has restored and works on. */
const SCRATCH = {
  restore: { last: 1, directory: 'scratch' },
  proof: { last: 2, directory: 'scratch-proof' },
} as const;
export type ScratchPlace = keyof typeof SCRATCH;
const PLACES = Object.keys(SCRATCH) as ScratchPlace[];

/** Below the state directory. */
export const SCRATCH_DIRECTORIES: readonly string[] = Object.values(SCRATCH).map(
  ({ directory }) => directory,
);

const scratchEndpoint = (
  { loopback, engine }: Pick<NativePlan, 'loopback' | 'engine'>,
  place: ScratchPlace,
): Endpoint => ({
  name: 'scratch',
  host: `${loopback}.60.${SCRATCH[place].last}`,
  port: DEFAULT_PORT[engine],
});

/** Not below the engine's directory: `./lab down --volumes` removes that, and is where one may need a backup most. */
export const backupDirectory = (
  { stateDir, engine }: Pick<NativePlan, 'stateDir' | 'engine'>,
  env: NodeJS.ProcessEnv = process.env,
): string => join(env.LAB_BACKUP_DIR || join(stateDir, 'backups'), engine);

/** A server id that no node has: theirs are below 10 and grow by 10. */
const SCRATCH_SERVER_ID = 9_005;

export function siteOf({ plan, databases }: NativeLab, place: ScratchPlace): Site {
  const first = databases.node(NODE_NAMES[0]).spec;
  return {
    engine: databases.engine,
    nodes: plan.endpoints.map(({ name }) => databases.node(name)),
    accounts: plan.accounts,
    database: plan.database,
    directory: backupDirectory(plan),
    scratch: {
      ...first,
      // It shows the first node's certificate.
      node: {
        ...scratchEndpoint(plan, place),
        tls: first.node.tls && { ...first.node.tls, serverName: first.node.name },
      },
      serverId: SCRATCH_SERVER_ID,
      stateDir: join(plan.stateDir, SCRATCH[place].directory, plan.engine),
      supervised: true,
    },
  };
}

/** Ends the scratch nodes and removes them, those that there are. */
export async function removeScratch(lab: NativeLab): Promise<void> {
  for (const place of PLACES) {
    const site = siteOf(lab, place);
    if (existsSync(site.scratch.stateDir)) await discardScratch(site);
  }
}

/** What backups of the engine need beside its server. */
export function backupNeeds(name: EngineName): Need[] {
  const engine = backupEngineOf(name);
  const restic: Need = {
    what: 'restic, which keeps backups encrypted',
    packages: ['restic'],
    present: async () => (await findTool('restic', null)) !== null,
  };
  const tools: Need = {
    what: `the tools that copy ${name}`,
    packages: engine.packages,
    explain: 'They come with the server: look beside it',
    present: async () => (await missingTool(engine, engineOf(name))) === null,
  };
  return [restic, tools];
}

/** Errors of backups and of servers, in the form that all of ours have. */
export async function asLabErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError) throw new LabError(error.code, error.message, error.mend, error);
    if (systemCode(error) === 'ENOSPC')
      throw new LabError('disk-full', messageOf(error), 'make room; the older backups are untouched', error);
    if (error instanceof LocalError) throw new LabError(error.code, error.message, './lab doctor', error);
    throw error;
  }
}
