import { spawnSync } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { runAsFor } from '@replication-lab/engines/local';
import { LabError } from '../errors.ts';
import { makeStateDirectory } from '../state.ts';
import type { Databases } from './databases.ts';
import { API_NAMES, API_PORT, apiHost, type NativePlan } from './layout.ts';
import { type PortNeed, requirePorts } from './ports.ts';
import { HAPROXY, type Services } from './services.ts';

/** A node's first data, its log of changes in a short load run, and some air. */
const NEED_BYTES_PER_NODE = 400 * 2 ** 20;

/** Everything that would make `up` fail halfway, found before anything is started. Throws LabError. */
export async function preflight(plan: NativePlan, databases: Databases, services: Services): Promise<void> {
  if (process.platform !== 'linux') {
    const mend = './lab up --runtime docker';
    throw new LabError(
      'native-needs-linux',
      'the native runtime needs Linux (its /proc and all of 127.0.0.0/8)',
      mend,
    );
  }
  await makeStateDirectory(plan.stateDir);
  await requireEnterable(plan);
  await requireSpace(plan, databases);
  await requirePorts(await portsOfStopped(plan, databases, services));
}

/** As root the servers run as another user, who must be able to enter the state directory. Tried, not computed. */
async function requireEnterable(plan: NativePlan): Promise<void> {
  const runAs = await runAsFor(plan.engine);
  if (!runAs) return;
  const tried = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', plan.stateDir], {
    cwd: '/',
    uid: runAs.uid,
    gid: runAs.gid,
    timeout: 5000,
  });
  // Not even tried (a machine too busy to start a shell in time) is no verdict: the server will tell.
  if (tried.status === 0 || tried.error) return;
  throw new LabError(
    'state-dir-not-enterable',
    `the servers run as the user ${runAs.name}, who cannot enter ${plan.stateDir}`,
    'set LAB_STATE_DIR to a directory that everybody may pass through, for example /var/tmp/my-lab',
  );
}

async function requireSpace(plan: NativePlan, databases: Databases): Promise<void> {
  const empty = plan.endpoints.filter(({ name }) => databases.node(name).isEmpty()).length;
  const { bavail, bsize } = await statfs(plan.stateDir);
  const freeBytes = bavail * bsize;
  // Nodes that have their data still need room to write.
  const needBytes = Math.max(empty, 0.5) * NEED_BYTES_PER_NODE;
  if (freeBytes >= needBytes) return;
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  throw new LabError(
    'disk-full',
    `${plan.stateDir} has ${mib(freeBytes)} free, this lab needs ${mib(needBytes)}`,
    'make room, or set LAB_STATE_DIR to a directory on a bigger disk (or ./lab down --volumes removes old data)',
  );
}

async function portsOfStopped(
  plan: NativePlan,
  databases: Databases,
  services: Services,
): Promise<PortNeed[]> {
  const needs: PortNeed[] = [];
  const otherRuntime = 'stop it; or ./lab up --runtime docker, which has addresses of its own';
  for (const { name, host, port } of plan.endpoints) {
    if (!(await databases.process(name))) needs.push({ name, host, port, mend: otherRuntime });
  }
  for (const name of API_NAMES) {
    if (!(await services.isRunning(name)))
      needs.push({ name, host: apiHost(plan, name), port: API_PORT, mend: otherRuntime });
  }
  if (!(await services.isRunning(HAPROXY))) {
    const http = `stop it, or take another port: HTTP_PORT=${plan.httpPort + 1} ./lab up`;
    const stats = `stop it, or take another port: STATS_PORT=${plan.statsPort + 1} ./lab up`;
    const https = `stop it, or take another port: HTTPS_PORT=${plan.httpsPort + 1} ./lab up`;
    needs.push({ name: HAPROXY, host: '127.0.0.1', port: plan.httpPort, mend: http });
    needs.push({ name: 'haproxy (HTTPS)', host: '127.0.0.1', port: plan.httpsPort, mend: https });
    needs.push({ name: 'haproxy (statistics)', host: '127.0.0.1', port: plan.statsPort, mend: stats });
  }
  return needs;
}
