import { constants } from 'node:fs';
import { access, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { execa } from 'execa';
import { LabError } from '../errors.ts';
import type { LabContext } from '../runtime.ts';

/** Something the lab needs that the distribution's packages bring. */
export interface Need {
  /** What it is for, in words: `the PostgreSQL server`. */
  readonly what: string;
  readonly packages: readonly string[];
  /** Where there are no packages: what was looked for, and what would bring it. */
  readonly explain?: string;
  /** Is it here now? Asked again after the installation. */
  present(): Promise<boolean>;
}

/** The program on PATH or in the places where servers live on Debian; null when it is not there. */
export async function findProgram(name: string, override?: string): Promise<string | null> {
  if (override) return override;
  if (isAbsolute(name)) return name;
  const dirs = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const dir of dirs.filter((d) => d !== '')) {
    const path = join(dir, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return null;
}

export const findHaproxy = (): Promise<string | null> => findProgram('haproxy', process.env.HAPROXY);

export const haproxyNeed: Need = {
  what: 'HAProxy',
  packages: ['haproxy'],
  present: async () => (await findHaproxy()) !== null,
};

export const straceNeed: Need = {
  what: 'strace, which stalls disks for a drill',
  packages: ['strace'],
  present: async () => (await findProgram('strace')) !== null,
};

/** Debian keeps it in a directory for the machine's architecture. */
export async function findFaketime(): Promise<string | null> {
  for (const architecture of await readdir('/usr/lib').catch(() => [])) {
    const path = join('/usr/lib', architecture, 'faketime/libfaketimeMT.so.1');
    if (await readable(path)) return path;
  }
  return null;
}

const readable = (path: string): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  );

export const faketimeNeed: Need = {
  what: 'libfaketime, which makes clocks jump for a drill',
  packages: ['faketime'],
  present: async () => (await findFaketime()) !== null,
};

/** The command that installs by hand what `ensurePackages` would. */
export const installCommand = (packages: readonly string[]): string =>
  `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;

/**
 * Installs what is missing from the distribution's packages: says what and why first, asks when somebody can answer,
 * and starts no service. Throws LabError `missing-servers` where it may not or cannot, with the command that mends it.
 */
export async function ensurePackages(needs: readonly Need[], context: LabContext): Promise<void> {
  const missing: Need[] = [];
  for (const need of needs) if (!(await need.present())) missing.push(need);
  if (missing.length === 0) return;
  for (const need of missing) requirePackages(need);
  const packages = [...new Set(missing.flatMap((need) => need.packages))];
  const what = missing.map((need) => need.what).join(', ');
  await requireApt(what, packages);
  context.progress(
    `missing: ${what}. Installing Debian packages ${packages.join(' ')} (no service is started)`,
  );
  if (!context.yes && !(await agrees('Install them now?', context))) {
    throw new LabError('missing-servers', `missing: ${what}`, installCommand(packages));
  }
  await install(packages, context);
  for (const need of missing) {
    if (await need.present()) continue;
    const message = `installed ${need.packages.join(' ')}, and still ${need.what} is missing. ${need.explain ?? ''}`;
    throw new LabError('missing-servers', message, './lab doctor');
  }
}

function requirePackages({ what, packages, explain }: Need): void {
  if (packages.length > 0) return;
  throw new LabError(
    'missing-servers',
    `missing: ${what}, and no package brings it. ${explain ?? ''}`,
    './lab up --engine mariadb, or --engine postgres, or --runtime docker',
  );
}

async function requireApt(what: string, packages: readonly string[]): Promise<void> {
  if ((await findProgram('apt-get')) === null) {
    throw new LabError(
      'missing-servers',
      `missing: ${what}; this is no Debian or Ubuntu, so nothing was installed`,
      "install it with your system's packages, or use ./lab up --runtime docker",
    );
  }
  if (process.getuid?.() !== 0) {
    const mend = `sudo sh -c '${installCommand(packages)}'`;
    throw new LabError('missing-servers', `missing: ${what}; installing needs root`, mend);
  }
}

async function agrees(question: string, context: LabContext): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [Y/n] `, { signal: context.signal });
    return /^(y|yes|)$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

async function install(packages: readonly string[], context: LabContext): Promise<void> {
  const releases: (() => Promise<void>)[] = [];
  try {
    releases.push(await keepServicesDown());
    if (await listsAreMissing()) await apt(['update'], context);
    if (packages.includes('postgresql')) {
      // Its package makes a cluster and starts it, unless this file says otherwise before it is installed.
      await aptInstall(['postgresql-common'], context);
      releases.push(await makeNoMainCluster());
    }
    await aptInstall(packages, context);
    for (const [name, unit] of Object.entries(UNITS)) if (packages.includes(name)) await disableUnit(unit);
  } finally {
    for (const release of releases.reverse()) await release();
  }
}

async function aptInstall(packages: readonly string[], context: LabContext): Promise<void> {
  const args = ['install', '-y', '--no-install-recommends', ...packages];
  try {
    await apt(args, context);
  } catch (error) {
    // Lists older than the mirror name packages that are gone: fetch them and try once more.
    if (context.signal.aborted || !(error instanceof LabError)) throw error;
    await apt(['update'], context);
    await apt(args, context);
  }
}

async function apt(args: readonly string[], context: LabContext): Promise<void> {
  context.progress(`apt-get ${args.join(' ')}`);
  const result = await execa('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    all: true,
    reject: false,
    cancelSignal: context.signal,
    timeout: 600_000,
  });
  if (result.exitCode === 0) return;
  const tail = (result.all ?? '').trim().split('\n').slice(-8).join('\n  | ');
  throw new LabError(
    'install-failed',
    `apt-get ${args[0]} failed:\n  | ${tail}`,
    `apt-get ${args.join(' ')}`,
  );
}

async function listsAreMissing(): Promise<boolean> {
  const lists = await readdir('/var/lib/apt/lists').catch(() => []);
  return !lists.some((name) => /_Packages(\.\w+)?$/.test(name));
}

const POLICY = '/usr/sbin/policy-rc.d';

/** Debian's way to say "start nothing while packages are installed". A policy that is already there is left alone. */
async function keepServicesDown(): Promise<() => Promise<void>> {
  try {
    await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
    return () => rm(POLICY, { force: true });
  } catch {
    return async () => {};
  }
}

const CREATE_CLUSTER = '/etc/postgresql-common/createcluster.conf';

async function makeNoMainCluster(): Promise<() => Promise<void>> {
  const before = await readFile(CREATE_CLUSTER, 'utf8');
  await writeFile(CREATE_CLUSTER, `${before}\ncreate_main_cluster = false\n`);
  return () => writeFile(CREATE_CLUSTER, before);
}

/** Services that packages bring, by package. */
const UNITS = {
  haproxy: 'haproxy',
  patroni: 'patroni',
  'etcd-server': 'etcd',
  prometheus: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
};

/** The policy keeps it from starting now; this from starting at the next boot. Only for what we installed ourselves. */
async function disableUnit(unit: string): Promise<void> {
  await execa('systemctl', ['disable', unit], { reject: false, stdin: 'ignore', timeout: 20_000 });
}
