import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { EngineName } from '../types.ts';

/**
 * Servers for tests on a machine whose distribution does not package them: the files of the official Docker image,
 * unpacked once into a cache, and run as plain processes through the image's own dynamic loader and libraries.
 */
interface ImagePlan {
  readonly image: string;
  /** Programs to wrap, below the image's root; globs, because they hold versions. */
  readonly programs: readonly string[];
  /** The variable through which `server.find()` is told, and whether it wants the program or its directory. */
  readonly variable: string;
  readonly wants: 'program' | 'directory';
  /** Options without which the server would look below the real `/usr`. */
  readonly options: (root: string) => readonly string[];
}

const PLANS: Readonly<Record<EngineName, ImagePlan>> = {
  mysql: {
    image: 'mysql:9.7',
    programs: ['usr/sbin/mysqld', 'usr/bin/mysqlbinlog', 'usr/bin/mysqldump', 'usr/bin/mysql'],
    variable: 'MYSQLD',
    wants: 'program',
    options: (root) => mysqlDirectories(root, 'usr/share/mysql*/english/errmsg.sys'),
  },
  mariadb: {
    image: 'mariadb:11.8',
    programs: ['usr/sbin/mariadbd', 'usr/bin/my_print_defaults', 'usr/bin/resolveip'],
    variable: 'MARIADBD',
    wants: 'program',
    options: (root) => mysqlDirectories(root, 'usr/share/{mysql,mariadb}/english/errmsg.sys'),
  },
  postgres: {
    image: 'postgres:18',
    programs: ['postgres', 'initdb', 'pg_basebackup', 'pg_receivewal', 'pg_dump', 'pg_restore'].map(
      (name) => `usr/lib/postgresql/*/bin/${name}`,
    ),
    variable: 'POSTGRES_BIN',
    wants: 'directory',
    options: () => [],
  },
};

function mysqlDirectories(root: string, messages: string): string[] {
  const [message] = globSync(messages, { cwd: root });
  const [plugins] = globSync('usr/{lib,lib64}/{mysql,mariadb}/plugin', { cwd: root });
  const share = message ? join(root, message, '../..') : null;
  return [
    `--basedir=${join(root, 'usr')}`,
    ...(plugins ? [`--plugin-dir=${join(root, plugins)}`] : []),
    ...(share ? [`--lc-messages-dir=${share}`, `--character-sets-dir=${join(share, 'charsets')}`] : []),
  ];
}

/** Root's servers run as another user, who cannot enter root's home. */
function cacheDirectory(): string {
  if (userInfo().uid === 0) return '/var/cache/replication-lab';
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'replication-lab');
}

/**
 * Sets MYSQLD, MARIADBD or POSTGRES_BIN to the server of the engine's official image, unpacking it first if need be.
 * Null when done, else why it cannot be done (no Docker, no such image).
 */
export async function useServerFromImage(engine: EngineName): Promise<string | null> {
  const plan = PLANS[engine];
  const inspect = await execa('docker', ['image', 'inspect', '--format', '{{.Id}}', plan.image], {
    reject: false,
    timeout: 20_000,
  });
  if (inspect.failed) return `Docker does not answer, or has no image ${plan.image}`;
  const id = inspect.stdout
    .trim()
    .replace(/^sha256:/, '')
    .slice(0, 16);
  const root = join(cacheDirectory(), `${engine}-${id}`);
  if (!existsSync(root)) await unpack(plan, root);
  else await wrapAll(plan, root, root);
  const [program] = globSync(plan.programs[0] as string, { cwd: root });
  if (!program) return `the Docker image ${plan.image} has no ${plan.programs[0]}`;
  process.env[plan.variable] = join(root, plan.wants === 'program' ? program : join(program, '..'));
  return null;
}

/** Into a directory beside it first, so that a run that is cut off leaves nothing that looks whole. */
async function unpack(plan: ImagePlan, root: string): Promise<void> {
  await mkdir(join(root, '..'), { recursive: true, mode: 0o755 });
  const work = await mkdtemp(`${root}.`);
  const { stdout: container } = await execa('docker', ['create', plan.image]);
  try {
    const unwanted = ['dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'var'].map((dir) => `--exclude=${dir}/*`);
    await execa('docker', ['export', container], { buffer: { stdout: false }, timeout: 300_000 }).pipe(
      'tar',
      ['-x', '--no-same-owner', ...unwanted, '-C', work],
    );
    await wrapAll(plan, work, root);
    await execa('chmod', ['0755', work]);
    // Another run may have been faster; its tree is as good as ours.
    await rename(work, root).catch((error) => {
      if (!existsSync(root)) throw error;
    });
  } finally {
    await execa('docker', ['rm', '-f', container], { reject: false });
    await rm(work, { recursive: true, force: true });
  }
}

/** Also of a tree that was unpacked when fewer programs were needed. */
async function wrapAll(plan: ImagePlan, work: string, root: string): Promise<void> {
  for (const program of globSync([...plan.programs], { cwd: work }))
    if (!existsSync(join(work, `${program}.real`))) await wrap(plan, work, root, program);
}

/** Replaces a program by a script that runs it through the image's loader. Paths are those of the final `root`. */
async function wrap(plan: ImagePlan, work: string, root: string, program: string): Promise<void> {
  await rename(join(work, program), join(work, `${program}.real`));
  const [loader] = globSync('{lib64,lib,usr/lib64,usr/lib}/ld-linux-*.so.*', { cwd: work });
  if (!loader) throw new Error(`${plan.image}: no dynamic loader found`);
  const libraries = globSync(
    ['usr/lib/*-linux-gnu', 'lib/*-linux-gnu', 'usr/lib64', 'lib64', 'usr/lib64/mysql/private'],
    {
      cwd: work,
    },
  ).map((dir) => join(root, dir));
  const line = [
    `exec "${join(root, loader)}"`,
    `--argv0 "${join(root, program)}"`,
    `--library-path "${libraries.join(':')}"`,
    `"${join(root, `${program}.real`)}" "$@"`,
    // After the caller's, because --defaults-file must come first.
    ...(program.includes('sbin')
      ? plan.options(work).map((option) => `"${option.replace(work, root)}"`)
      : []),
  ];
  await writeFile(join(work, program), `#!/bin/sh\n${line.join(' \\\n  ')}\n`, { mode: 0o755 });
}
