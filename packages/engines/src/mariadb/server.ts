import { dirname, join } from 'node:path';
import { escape as literal } from 'mysql2';
import { LocalError } from '../local/errors.ts';
import { allOnPath, isExecutable, readVersion, versionText } from '../local/find-binary.ts';
import { installConfig } from '../local/infra.ts';
import { checkSocketPath, dataIsEmpty, layoutOf, makeData, makeDirectories } from '../local/layout.ts';
import { runTool, toolEnvironment } from '../local/run-tool.ts';
import { readServerId } from '../local/server-id.ts';
import { firstAccount, requirementOf } from '../mysql-protocol/schema.ts';
import { serverTls } from '../mysql-protocol/tls.ts';
import { DATABASE_NAME } from '../names.ts';
import type { EngineServer, ServerBinary, ServerCommand, ServerSpec } from '../types.ts';
import { rightsOf } from './rights.ts';

const PROOF = 'mysql/global_priv.frm';
const NEED_BYTES = 400 * 2 ** 20;
const INITIALISE_TIMEOUT_MS = 60_000;
const VERSION = /Ver (\d+\.\d+\.\d+-MariaDB)/;

async function find(): Promise<ServerBinary | null> {
  const candidates = process.env.MARIADBD ? [process.env.MARIADBD] : await allOnPath('mariadbd');
  for (const path of candidates) {
    const found = readVersion(path, await versionText(path), VERSION);
    if (found && supported(found.version)) return found;
  }
  return null;
}

function supported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > 10 || (major === 10 && minor >= 11);
}

/** The script that makes the system tables: beside the server, or in the `bin` next to its `sbin`. */
async function installScript(binary: ServerBinary): Promise<string> {
  const dir = dirname(binary.path);
  const candidates = [join(dir, 'mariadb-install-db'), join(dir, '../bin/mariadb-install-db')];
  for (const path of [...candidates, ...(await allOnPath('mariadb-install-db'))]) {
    if (await isExecutable(path)) return path;
  }
  throw new LocalError(
    'server-missing',
    `${binary.path} is here, mariadb-install-db is not. Install mariadb-server-core.`,
  );
}

/** Throws LocalError `socket-path-too-long`. */
function socketOf(spec: ServerSpec): string {
  return checkSocketPath(join(layoutOf(spec.stateDir).run, 'mariadbd.sock'));
}

/**
 * Only root and the supervisor, and outside the binary log: a fresh node has no history, so that any node can start as the
 * replica of any other. All else is made once, on the primary, and replicated.
 */
function firstAccounts(spec: ServerSpec): string {
  const password = literal(spec.admin.password);
  return [
    // The script also makes roots of this host's names, without a password, and they would win over root@'%'.
    "DELETE FROM mysql.global_priv WHERE (User = 'root' AND Host <> 'localhost') OR (User = '' AND Host <> '');",
    "DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';",
    'FLUSH PRIVILEGES;',
    `ALTER USER 'root'@'localhost' IDENTIFIED BY ${password};`,
    `CREATE USER 'root'@'%' IDENTIFIED BY ${password} REQUIRE ${requirementOf(spec.tls)};`,
    "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;",
    ...firstAccount(spec, rightsOf(DATABASE_NAME), DATABASE_NAME),
    '',
  ].join('\n');
}

async function initialise(spec: ServerSpec, binary: ServerBinary, signal?: AbortSignal): Promise<void> {
  socketOf(spec); // before all the work
  const script = await installScript(binary);
  await makeData(spec, PROOF, NEED_BYTES, async (layout) => {
    const config = await installConfig(spec, layout, 'mariadb/lab.cnf');
    const options = { timeoutMs: INITIALISE_TIMEOUT_MS, signal, failure: 'initialise-failed' } as const;
    await runTool(
      spec,
      script,
      [
        `--defaults-file=${config}`,
        `--basedir=${join(dirname(script), '..')}`,
        `--datadir=${layout.data}`,
        `--tmpdir=${layout.tmp}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--skip-name-resolve',
        '--skip-log-bin',
      ],
      options,
    );
    await runTool(
      spec,
      binary.path,
      [
        `--defaults-file=${config}`,
        '--bootstrap',
        `--datadir=${layout.data}`,
        `--tmpdir=${layout.tmp}`,
        '--skip-log-bin',
      ],
      { ...options, input: firstAccounts(spec) },
    );
  });
}

async function prepareBoot(spec: ServerSpec, binary: ServerBinary): Promise<ServerCommand> {
  const layout = await makeDirectories(spec);
  const config = await installConfig(spec, layout, 'mariadb/lab.cnf');
  const serverId = await readServerId(spec);
  return {
    file: binary.path,
    args: [
      `--defaults-file=${config}`,
      `--datadir=${layout.data}`,
      `--tmpdir=${layout.tmp}`,
      `--socket=${socketOf(spec)}`,
      `--pid-file=${join(layout.run, 'mariadbd.pid')}`,
      `--bind-address=${spec.node.host}`,
      `--port=${spec.node.port}`,
      `--server-id=${serverId}`,
      `--report-host=${spec.node.host}`,
      `--report-port=${spec.node.port}`,
      ...serverTls(spec.tls),
      ...(spec.supervised ? ['--skip-slave-start=ON'] : []),
    ],
    env: toolEnvironment(),
  };
}

export const server: EngineServer = {
  find,
  explainMissing:
    'No MariaDB 10.11 or newer: MARIADBD is not set to one, and PATH has no such mariadbd. ' +
    'On Debian and Ubuntu: apt-get install mariadb-server-core.',
  debianPackages: ['mariadb-server-core'],
  initialise,
  isEmpty: (spec) => dataIsEmpty(spec.stateDir, PROOF),
  async copyFrom() {
    throw new Error('mariadb: a fresh replica fetches the whole history itself, no copy is needed');
  },
  prepareBoot,
};
