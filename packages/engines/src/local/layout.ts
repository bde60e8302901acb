import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ServerSpec } from '../types.ts';
import { LocalError } from './errors.ts';
import { endProcess, readLiveMark, removeMark } from './process.ts';

/** Where things are below a node's state directory. */
export interface Layout {
  readonly data: string;
  /** Present while `data` is being made: what it holds cannot be trusted. */
  readonly halfMade: string;
  readonly conf: string;
  /** The server's socket and its own files. */
  readonly run: string;
  readonly tmp: string;
  readonly log: string;
  /** Process id and start time of the server we started. */
  readonly pid: string;
  /** The same of a tool that makes the data, while it runs. */
  readonly tool: string;
  /** The server id of `data` once it was made anew; the first one comes from the spec. */
  readonly serverId: string;
}

export function layoutOf(stateDir: string): Layout {
  return {
    data: join(stateDir, 'data'),
    halfMade: join(stateDir, 'data.half-made'),
    conf: join(stateDir, 'conf'),
    run: join(stateDir, 'run'),
    tmp: join(stateDir, 'tmp'),
    log: join(stateDir, 'server.log'),
    pid: join(stateDir, 'server.pid'),
    tool: join(stateDir, 'run', 'tool.pid'),
    serverId: join(stateDir, 'server-id'),
  };
}

/** `sockaddr_un` holds 108 bytes with the closing zero. */
const SOCKET_PATH_BYTES = 107;

/** Answers the path, or throws LocalError `socket-path-too-long`: the servers' own messages hide the reason. */
export function checkSocketPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_BYTES) return path;
  throw new LocalError(
    'socket-path-too-long',
    `the socket path ${path} has ${bytes} bytes, the system allows ${SOCKET_PATH_BYTES}. ` +
      'Choose a shorter state directory (LAB_STATE_DIR).',
  );
}

/** Makes the node's directories, owned by the user the server runs as. Idempotent. */
export async function makeDirectories(spec: ServerSpec): Promise<Layout> {
  const layout = layoutOf(spec.stateDir);
  for (const dir of [spec.stateDir, layout.conf, layout.run, layout.tmp]) {
    await mkdir(dir, { recursive: true });
    await own(spec, dir, 0o700);
  }
  await checkEnterable(spec);
  return layout;
}

/** A checkout or a home below /root cannot be entered by the unprivileged user, and the servers' messages do not say so. */
async function checkEnterable(spec: ServerSpec): Promise<void> {
  if (!spec.runAs) return;
  for (let dir = dirname(resolve(spec.stateDir)); dir !== '/'; dir = dirname(dir)) {
    const { mode, uid } = await stat(dir);
    if (mode & 0o001 || (uid === spec.runAs.uid && mode & 0o100)) continue;
    throw new LocalError(
      'state-unusable',
      `the server's user ${spec.runAs.name} cannot enter ${dir}. Choose a state directory it can reach, for example ` +
        'LAB_STATE_DIR=/var/tmp/replication-lab.',
    );
  }
}

/** Gives a file or directory to the server's user. */
export async function own(spec: ServerSpec, path: string, mode: number): Promise<void> {
  await chmod(path, mode);
  if (spec.runAs) await chown(path, spec.runAs.uid, spec.runAs.gid);
}

/** Writes a file that only the server's user reads. */
export async function writeOwned(spec: ServerSpec, path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text, { mode: 0o600 });
  await own(spec, path, 0o600);
}

/**
 * Runs `make` on an empty data directory unless a whole one is there. `proof` is a file, relative to the data
 * directory, that every whole one has. A marker beside the directory tells a half-made one, which is wiped; anything
 * else that is not ours is left alone and refused (LocalError `state-unusable`).
 */
export async function makeData(
  spec: ServerSpec,
  proof: string,
  needBytes: number,
  make: (layout: Layout) => Promise<void>,
): Promise<void> {
  const layout = await makeDirectories(spec);
  await endLeftTool(spec, layout);
  if (existsSync(layout.halfMade)) {
    // Before the space is counted: it may be what fills the disk.
    await rm(layout.data, { recursive: true, force: true });
  } else {
    if (existsSync(join(layout.data, proof))) return;
    const found = await readdir(layout.data).catch((): string[] => []);
    if (found.length > 0) {
      throw new LocalError(
        'state-unusable',
        `${layout.data} of ${spec.node.name} is not empty and holds no ${proof}, so it is not a data directory that ` +
          'this lab made. Look at it, then remove it.',
      );
    }
  }
  await checkSpace(spec.stateDir, needBytes);
  await writeOwned(spec, layout.halfMade, '');
  await rm(layout.data, { recursive: true, force: true });
  await mkdir(layout.data);
  await own(spec, layout.data, 0o700);
  await make(layout);
  await rm(layout.halfMade);
}

/** Says that `data` is to be made anew: from now on nobody boots from it, and `makeData` wipes it. */
export async function condemnData(spec: ServerSpec): Promise<void> {
  const { halfMade } = await makeDirectories(spec);
  await writeOwned(spec, halfMade, '');
}

/** A tool whose caller was killed goes on writing, into the directory that is made next. */
async function endLeftTool(spec: ServerSpec, layout: Layout): Promise<void> {
  const mark = await readLiveMark(layout.tool);
  if (!mark) return;
  if (await endProcess(mark)) return removeMark(layout.tool, mark);
  throw new LocalError('stop-failed', `${spec.node.name}: process ${mark.pid} survived SIGKILL.`);
}

/** Whether there is no whole data directory yet. */
export function dataIsEmpty(stateDir: string, proof: string): boolean {
  const layout = layoutOf(stateDir);
  return existsSync(layout.halfMade) || !existsSync(join(layout.data, proof));
}

async function checkSpace(dir: string, needBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize >= needBytes) return;
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  throw new LocalError(
    'disk-full',
    `${dir} has ${mib(bavail * bsize)} MiB free and a node needs ${mib(needBytes)} MiB. ` +
      'Make room there, or choose another state directory (LAB_STATE_DIR).',
  );
}
