import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { escape as literal } from 'mysql2';
import { allOnPath, readVersion, versionText } from '../local/find-binary.ts';
import { installConfig } from '../local/infra.ts';
import {
  checkSocketPath,
  dataIsEmpty,
  layoutOf,
  makeData,
  makeDirectories,
  writeOwned,
} from '../local/layout.ts';
import { runTool, toolEnvironment } from '../local/run-tool.ts';
import { readServerId } from '../local/server-id.ts';
import { firstAccount, requirementOf } from '../mysql-protocol/schema.ts';
import { serverTls } from '../mysql-protocol/tls.ts';
import { DATABASE_NAME } from '../names.ts';
import type { EngineServer, ServerBinary, ServerCommand, ServerSpec } from '../types.ts';
import { rightsOf } from './rights.ts';

const PROOF = 'mysql.ibd';
const NEED_BYTES = 500 * 2 ** 20;
const INITIALISE_TIMEOUT_MS = 120_000;

/** Debian's `mysqld` is a link to MariaDB, so the version line decides. */
const VERSION = /Ver (\d+\.\d+\.\d+)(?!\S*MariaDB)/;

async function find(): Promise<ServerBinary | null> {
  const candidates = process.env.MYSQLD ? [process.env.MYSQLD] : await allOnPath('mysqld');
  for (const path of candidates) {
    const found = readVersion(path, await versionText(path), VERSION);
    if (found && supported(found.version)) return found;
  }
  return null;
}

function supported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 8 || (major === 8 && minor >= 4);
}

/** Throws LocalError `socket-path-too-long`. */
function socketOf(spec: ServerSpec): string {
  return checkSocketPath(join(layoutOf(spec.stateDir).run, 'mysqld.sock'));
}

/**
 * Only root and the supervisor, and outside the binary log: a fresh node has no history, so that any node can start as the
 * replica of any other. All else is made once, on the primary, and replicated.
 */
function firstAccounts(spec: ServerSpec): string {
  const password = literal(spec.admin.password);
  return [
    `ALTER USER 'root'@'localhost' IDENTIFIED BY ${password};`,
    `CREATE USER 'root'@'%' IDENTIFIED BY ${password} REQUIRE ${requirementOf(spec.tls)};`,
    "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;",
    ...firstAccount(spec, rightsOf(DATABASE_NAME), DATABASE_NAME),
    '',
  ].join('\n');
}

async function initialise(spec: ServerSpec, binary: ServerBinary, signal?: AbortSignal): Promise<void> {
  socketOf(spec); // before all the work
  await makeData(spec, PROOF, NEED_BYTES, async (layout) => {
    const config = await installConfig(spec, layout, 'mysql/lab.cnf');
    const initFile = join(layout.conf, 'root.sql');
    await writeOwned(spec, initFile, firstAccounts(spec));
    try {
      await runTool(
        spec,
        binary.path,
        [
          `--defaults-file=${config}`,
          '--initialize-insecure',
          `--datadir=${layout.data}`,
          `--tmpdir=${layout.tmp}`,
          `--init-file=${initFile}`,
          `--server-id=${spec.serverId}`,
          '--skip-log-bin',
        ],
        { timeoutMs: INITIALISE_TIMEOUT_MS, signal, failure: 'initialise-failed' },
      );
    } finally {
      await rm(initFile, { force: true });
    }
  });
}

async function prepareBoot(spec: ServerSpec, binary: ServerBinary): Promise<ServerCommand> {
  const layout = await makeDirectories(spec);
  const config = await installConfig(spec, layout, 'mysql/lab.cnf');
  const serverId = await readServerId(spec);
  const socket = socketOf(spec);
  // Left behind by a server that was killed; the process number in it may by now be anybody's, and mysqld would not start.
  await rm(`${socket}.lock`, { force: true });
  return {
    file: binary.path,
    args: [
      `--defaults-file=${config}`,
      `--datadir=${layout.data}`,
      `--tmpdir=${layout.tmp}`,
      `--socket=${socket}`,
      `--pid-file=${join(layout.run, 'mysqld.pid')}`,
      '--secure-file-priv=NULL',
      `--bind-address=${spec.node.host}`,
      `--port=${spec.node.port}`,
      `--server-id=${serverId}`,
      `--report-host=${spec.node.host}`,
      `--report-port=${spec.node.port}`,
      '--super-read-only=ON',
      '--persisted-globals-load=OFF',
      ...serverTls(spec.tls),
      ...(spec.supervised ? ['--skip-replica-start=ON'] : []),
    ],
    env: toolEnvironment(),
  };
}

export const server: EngineServer = {
  find,
  explainMissing:
    "No MySQL 8.4 or newer: MYSQLD is not set to one, and PATH has no mysqld that is Oracle's " +
    '(Debian packages only MariaDB). Use the docker runtime, or install MySQL from its own repository and set MYSQLD.',
  debianPackages: [],
  initialise,
  async copyFrom() {
    throw new Error('mysql: a fresh replica fetches the whole history itself, no copy is needed');
  },
  prepareBoot,
  isEmpty: (spec) => dataIsEmpty(spec.stateDir, PROOF),
};
