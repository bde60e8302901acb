import { join } from 'node:path';
import { execa } from 'execa';
import { untilWhole } from '../../drill/whole.ts';
import { LabError } from '../../errors.ts';
import { nodeDirectory, planNative } from '../../native/layout.ts';
import { haproxyNeed } from '../../native/packages.ts';
import { openRuntime } from '../../open-runtime.ts';
import { repositoryRoot } from '../../paths.ts';
import { isDatabase, type LabRuntime } from '../../runtime.ts';
import { type LabState, readState } from '../../state.ts';
import { throwIfAborted } from '../../wait.ts';
import { killPostmaster } from '../children.ts';
import type { BenchNode, Cluster, Contender, Login, Place } from '../types.ts';
import { CREATE_TABLE, TABLE } from '../writer.ts';

const COMMAND_MS = 180_000;
const WHOLE_MS = 120_000;
/** Ports of the lab's proxy, unless the shell gives others: beside those of a lab that may be up. */
const PORTS = { HTTP_PORT: '18480', STATS_PORT: '18484', HTTPS_PORT: '18443' };

export const lab: Contender = {
  name: 'lab',
  title: 'this lab’s supervisors',
  setup:
    'The native lab with all its services, `--durability quorum`: two supervisors, an acknowledged write is on two nodes. Nothing ' +
    'on a node starts a dead server again by itself, so for it the end of the server is the end of the host.',
  needs: [haproxyNeed],
  faults: ['server'],
  looksEveryMs: 1_000,
  async start(place, signal) {
    await command(
      place,
      ['up', '--runtime', 'native', '--engine', 'postgres', '--durability', 'quorum', '--yes'],
      signal,
    );
    const state = await readState(place.directory);
    if (!state) throw new LabError('bench-start-failed', 'the lab is up and left no state', './lab doctor');
    const cluster = new Lab(place, state);
    await cluster.create(signal);
    return cluster;
  },
};

/** The lab's own command, on a state directory of the comparison's own. */
async function command(place: Place, args: readonly string[], signal?: AbortSignal): Promise<void> {
  const main = join(repositoryRoot, 'cli/src/main.ts');
  const result = await execa(process.execPath, [main, ...args], {
    env: { ...PORTS, ...process.env, LAB_STATE_DIR: place.directory, LAB_LOOPBACK: place.loopback },
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: COMMAND_MS,
    cancelSignal: signal,
    forceKillAfterDelay: 60_000,
  });
  throwIfAborted(signal);
  if (result.exitCode !== 0)
    throw new LabError('bench-tool-failed', `./lab ${args[0]} failed: ${result.all?.slice(-800)}`, null);
}

class Lab implements Cluster {
  readonly nodes: readonly BenchNode[];
  readonly login: Login;
  readonly #place: Place;
  readonly #runtime: LabRuntime;

  constructor(place: Place, state: LabState) {
    const plan = planNative(place.directory, state);
    this.#place = place;
    this.#runtime = openRuntime(place.directory, state);
    this.login = { ...plan.accounts.app, database: plan.database };
    this.nodes = plan.endpoints.map((endpoint) => ({
      ...endpoint,
      dataDir: join(nodeDirectory(plan, endpoint.name), 'data'),
    }));
  }

  async create(signal: AbortSignal): Promise<void> {
    const primary = await this.#whole(signal);
    const grant = `GRANT SELECT, INSERT ON ${TABLE} TO ${this.login.user}`;
    await this.#runtime.queryAsAdmin(primary, [CREATE_TABLE, grant]);
  }

  async prepare(signal: AbortSignal): Promise<string> {
    for (const part of this.#runtime.parts.filter(isDatabase))
      if ((await this.#runtime.condition(part)) === 'down') await this.#runtime.revive(part, signal);
    return this.#whole(signal);
  }

  async #whole(signal: AbortSignal): Promise<string> {
    const { primary } = await untilWhole(this.#runtime, WHOLE_MS, signal);
    return primary!; // a lab without one is not whole
  }

  async strike(node: BenchNode): Promise<void> {
    await killPostmaster(node.dataDir);
  }

  async stop(): Promise<void> {
    await stopLab(this.#place);
  }
}

/** Also what an interrupted run left. */
export const stopLab = (place: Place): Promise<void> => command(place, ['down', '--volumes']);
