import { relative } from 'node:path';
import { DEFAULT_PORT } from '@replication-lab/engines/config';
import type { LabUnderTest } from '@replication-lab/load-tests';
import { capContainers } from '../docker/caps.ts';
import { compose, composeEnvironment } from '../docker/compose.ts';
import { runInside } from '../docker/inside.ts';
import { nodeAddress } from '../docker/observe.ts';
import { serverVersion } from '../docker/scripts.ts';
import { containerUsage } from '../docker/usage.ts';
import { LabError } from '../errors.ts';
import { urlsOf } from '../native/layout.ts';
import { repositoryRoot } from '../paths.ts';
import { type LabState, writeState } from '../state.ts';
import { SharedLab } from './shared.ts';

const SEED_MS = 10 * 60_000;
/** Where k6's container sees the scenarios and what it writes. */
const SCRIPTS_INSIDE = '/load-tests';
const OUT_INSIDE = '/out';

/** The docker lab as the measurements see it. */
export async function dockerUnderTest(stateDir: string): Promise<LabUnderTest> {
  const shared = new SharedLab(stateDir);
  const state = await shared.state();
  return {
    engine: state.engine,
    engineVersion: await versionOf(state),
    runtime: 'docker',
    baseUrl: urlsOf(state).api,
    useArm: (arm, signal) => shared.useArm(arm, signal),
    async capDatabases(cpus) {
      const now = { ...(await shared.state()), capCpus: cpus };
      await writeState(stateDir, now);
      return capContainers(now, cpus);
    },
    usage: async () => containerUsage(await shared.state()),
    forceLag: (seconds, signal, nodes) => shared.forceLag(seconds, signal, nodes),
    async seed(count, signal) {
      const now = await shared.state();
      if (now.capCpus !== null) await capContainers(now, null);
      try {
        const seed = ['node', 'services/agent/src/seed.ts', '--users', String(count)];
        const args = ['run', '--rm', '--no-deps', '-T', 'bootstrap', ...seed];
        await compose(args, { env: composeEnvironment(now), signal, timeoutMs: SEED_MS });
        await shared.caughtUp(signal);
      } finally {
        if (now.capCpus !== null) await capContainers(now, now.capCpus);
      }
    },
    k6: async (script, outDir, env) => k6Command(await shared.state(), script, outDir, env),
  };
}

async function versionOf(state: LabState): Promise<string> {
  const endpoint = { name: 'db-1', host: nodeAddress(state, 'db-1'), port: DEFAULT_PORT[state.engine] };
  const script = serverVersion(state.engine, endpoint);
  const said = String(await runInside(script, composeEnvironment(state)).catch(() => ''));
  // PostgreSQL says who compiled it and how as well.
  return /\d[\w.-]*/.exec(said)?.[0] ?? 'unknown';
}

/** k6 in a container of HAProxy's network: from outside, the host's port forwarding would be measured as well. */
function k6Command(state: LabState, script: string, outDir: string, env: Readonly<Record<string, string>>) {
  const inside = relative(`${repositoryRoot}/load-tests`, script);
  if (inside.startsWith('..')) {
    throw new LabError('usage', `${script} is not below load-tests/, which is all that k6's container sees`);
  }
  const variables = { ...env, OUT_DIR: OUT_INSIDE };
  const passed = Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  // The caller's directory may be any.
  const command = ['compose', '--file', `${repositoryRoot}/docker-compose.yml`, '--profile', 'load'];
  const run = ['run', '--rm', '--no-deps', '-T', '-v', `${outDir}:${OUT_INSIDE}`];
  const owner = process.getuid ? `${process.getuid()}:${process.getgid?.()}` : '0:0';
  return {
    file: 'docker',
    args: [...command, ...run, ...passed, 'k6', 'run', `${SCRIPTS_INSIDE}/${inside}`],
    env: { ...composeEnvironment(state), K6_USER: owner },
    outDir: OUT_INSIDE,
  };
}
