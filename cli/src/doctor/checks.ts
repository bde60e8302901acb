import { freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { dockerAnswers } from '../docker/compose.ts';
import { findCgroups, LabCgroups } from '../native/cgroup.ts';
import { API_PORT, DEFAULT_HTTP_PORT, DEFAULT_HTTPS_PORT, DEFAULT_STATS_PORT } from '../native/layout.ts';
import { findHaproxy, findProgram, installCommand } from '../native/packages.ts';
import { whoListens } from '../native/ports.ts';
import { cacheDirectory, stateDirectory } from '../paths.ts';
import { ENGINES, readState } from '../state.ts';
import { type Check, missing, note, ok } from './types.ts';

/** Each looks at one thing and never throws: what cannot be looked at is said. Nothing is changed. */

const GIB = 2 ** 30;
/** The default docker lab stays below 2.5 GB; the rest is for whoever else lives here. */
const NEED_BYTES = 3 * GIB;

export async function checkNode(): Promise<Check> {
  return ok('node', `${process.version} (${process.execPath})`);
}

export async function checkMemory(): Promise<Check> {
  const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`;
  const text = `${gib(freemem())} free of ${gib(totalmem())}`;
  return totalmem() >= NEED_BYTES
    ? ok('memory', text)
    : note('memory', `${text}; the lab wants ${gib(NEED_BYTES)}`);
}

export async function checkDocker(): Promise<Check> {
  const version = await dockerAnswers();
  if (version) return ok('docker', `engine ${version}, with compose: ./lab up takes it by default`);
  const has = (await findProgram('docker')) !== null;
  const detail = has ? 'installed, but no engine answers or compose is missing' : 'not installed';
  return note(
    'docker',
    `${detail}: ./lab up takes plain processes`,
    'https://docs.docker.com/engine/install/',
  );
}

export async function checkEngines(): Promise<Check[]> {
  const { engineOf } = await import('@replication-lab/engines/local');
  return Promise.all(
    ENGINES.map(async (name) => {
      const { server } = engineOf(name);
      const found = await server.find().catch(() => null);
      if (found) return ok(`${name} server`, `${found.version} (${found.path})`);
      const mend = server.debianPackages.length > 0 ? installCommand(server.debianPackages) : null;
      return note(`${name} server`, 'not on this machine (native runtime only)', mend);
    }),
  );
}

export async function checkHaproxy(): Promise<Check> {
  const file = await findHaproxy();
  if (!file) return note('haproxy', 'not on this machine (native runtime only)', installCommand(['haproxy']));
  const { stdout } = await execa(file, ['-v'], { reject: false, timeout: 5000 });
  return ok('haproxy', `${stdout?.split('\n')[0] ?? 'unknown version'} (${file})`);
}

export async function checkK6(): Promise<Check> {
  const { K6_VERSION } = await import('@replication-lab/load-tests');
  for (const file of ['k6', join(cacheDirectory(), `k6-${K6_VERSION}`, 'k6')]) {
    const { stdout, exitCode } = await execa(file, ['version'], { reject: false, timeout: 10_000 });
    if (exitCode === 0) return ok('k6', `${stdout} (${file})`);
  }
  return note('k6', 'not here yet: ./lab compare builds or fetches it', './lab test --print-k6');
}

export async function checkPorts(): Promise<Check> {
  const name = 'ports';
  const state = await readState(stateDirectory()).catch(() => null);
  if (state) return ok(name, `in use by the lab that is ${state.phase === 'up' ? 'up' : 'starting'}`);
  const wanted = [DEFAULT_HTTP_PORT, DEFAULT_STATS_PORT, DEFAULT_HTTPS_PORT, API_PORT, 3306, 5432];
  const taken = wanted
    .map((port) => ({ port, holder: whoListens(port) }))
    .filter(({ holder }) => holder !== null);
  if (taken.length === 0) return ok(name, `${wanted.join(', ')} are free`);
  const text = taken
    .map(({ port, holder }) => `${port} (${holder!.command}, process ${holder!.pid})`)
    .join(', ');
  const detail = `in use: ${text}; only matters on 127.0.0.1 (8080, 8404, 8443), 127.0.10.x (databases) and 127.0.20.x (API)`;
  return note(
    name,
    detail,
    'for 8080, 8404 and 8443: HTTP_PORT=8081 STATS_PORT=8405 HTTPS_PORT=8444 ./lab up',
  );
}

export async function checkStateDirectory(): Promise<Check> {
  const dir = stateDirectory();
  const name = 'state directory';
  try {
    const state = await readState(dir);
    return ok(
      name,
      state
        ? `${dir}: ${state.engine}, ${state.topology}, ${state.durability}, ${state.runtime}`
        : `${dir} (no lab is up)`,
    );
  } catch (error) {
    return missing(name, String((error as Error).message), (error as { mend?: string }).mend ?? null);
  }
}

export async function checkCaps(): Promise<Check> {
  const cgroups = new LabCgroups(await findCgroups(), `doctor-${process.pid}`);
  const result = await cgroups.cap('probe', 0.5);
  await cgroups.remove();
  if (result.applied)
    return ok('CPU caps', 'control groups are writable: native databases can be held to equal CPUs');
  return note(
    'CPU caps',
    `${result.reason}: native measurements run without caps, and draw no conclusion on speed-up`,
  );
}
