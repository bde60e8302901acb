import { realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  allOnPath,
  debianPostgresDirectories,
  isExecutable,
  readVersion,
  versionText,
} from '../local/find-binary.ts';
import { installConfig } from '../local/infra.ts';
import {
  checkSocketPath,
  dataIsEmpty,
  type Layout,
  layoutOf,
  makeData,
  makeDirectories,
  writeOwned,
} from '../local/layout.ts';
import { runTool, toolEnvironment } from '../local/run-tool.ts';
import type {
  Endpoint,
  EngineServer,
  NodeTlsFiles,
  ServerBinary,
  ServerCommand,
  ServerSpec,
} from '../types.ts';
import { closeForBoot } from './boot-config.ts';
import { slotName } from './conninfo.ts';
import { dropStaleLocks } from './stale-locks.ts';

const PROOF = 'global/pg_control';
const NEED_BYTES = 300 * 2 ** 20;
const INITIALISE_TIMEOUT_MS = 60_000;
const COPY_TIMEOUT_MS = 600_000;
const VERSION = /\(PostgreSQL\) (\d+(?:\.\d+|\w+)?)/;
const OLDEST = 15;

async function find(): Promise<ServerBinary | null> {
  for (const path of await candidates()) {
    const found = readVersion(path, await versionText(path), VERSION);
    if (!found || found.major < OLDEST) continue;
    // The tools are beside the real program; PATH may only have a link to it.
    const real = { ...found, path: await realpath(path) };
    if (await isExecutable(tool(real, 'initdb'))) return real;
  }
  return null;
}

async function candidates(): Promise<string[]> {
  const { POSTGRES_BIN } = process.env;
  if (POSTGRES_BIN) return [join(POSTGRES_BIN, 'postgres')];
  const debian = (await debianPostgresDirectories()).map((dir) => join(dir, 'postgres'));
  return [...debian, ...(await allOnPath('postgres'))];
}

function tool(binary: ServerBinary, name: string): string {
  return join(dirname(binary.path), name);
}

/** The server makes a lock file beside the socket, but only the socket's path is limited. */
function checkSocket({ stateDir, node }: ServerSpec): void {
  checkSocketPath(join(layoutOf(stateDir).run, `.s.PGSQL.${node.port}`));
}

/** Where the passwords for replication are; never in primary_conninfo, which every account can read. */
async function writePassfile(spec: ServerSpec, layout: Layout): Promise<string> {
  const escaped = (text: string) => text.replaceAll(/[\\:]/g, '\\$&');
  const path = join(layout.conf, 'passfile');
  const { user, password } = spec.replication;
  await writeOwned(spec, path, `*:*:*:${escaped(user)}:${escaped(password)}\n`);
  return path;
}

/** For the tools that fetch a copy. */
function tlsEnvironment(files: NodeTlsFiles | undefined): Record<string, string> {
  if (!files) return {};
  const { ca, replication } = files;
  return { PGSSLMODE: 'verify-full', PGSSLROOTCERT: ca, PGSSLCERT: replication, PGSSLKEY: replication };
}

async function initialise(spec: ServerSpec, binary: ServerBinary, signal?: AbortSignal): Promise<void> {
  checkSocket(spec); // before all the work
  await makeData(spec, PROOF, NEED_BYTES, async (layout) => {
    const passwordFile = join(layout.conf, 'admin-password');
    await writeOwned(spec, passwordFile, `${spec.admin.password}\n`);
    try {
      await runTool(
        spec,
        tool(binary, 'initdb'),
        [
          `--pgdata=${layout.data}`,
          `--username=${spec.admin.user}`,
          `--pwfile=${passwordFile}`,
          '--auth=scram-sha-256',
          '--encoding=UTF8',
          '--locale=C',
          '--data-checksums',
          // As in infra/postgres/boot.sh, which says why.
          '--wal-segsize=4',
        ],
        { timeoutMs: INITIALISE_TIMEOUT_MS, signal, failure: 'initialise-failed' },
      );
    } finally {
      await rm(passwordFile, { force: true });
    }
  });
}

/**
 * Makes this node's slot on the source first, so that the source keeps what the copy will need afterwards. Anew: what one
 * from an earlier life of this node kept is of no use, and the source may have given it up.
 */
async function copyFrom(
  spec: ServerSpec,
  binary: ServerBinary,
  source: Endpoint,
  signal?: AbortSignal,
): Promise<void> {
  checkSocket(spec); // before all the work
  await makeData(spec, PROOF, NEED_BYTES, async (layout) => {
    const env = {
      PGPASSFILE: await writePassfile(spec, layout),
      PGCONNECT_TIMEOUT: '5',
      ...tlsEnvironment(spec.tls),
    };
    const options = { env, timeoutMs: COPY_TIMEOUT_MS, signal, failure: 'copy-failed' } as const;
    const from = [
      `--host=${source.host}`,
      `--port=${source.port}`,
      `--username=${spec.replication.user}`,
      '--no-password',
      `--slot=${slotName(spec.node.name)}`,
    ];
    const receivewal = tool(binary, 'pg_receivewal');
    await runTool(spec, receivewal, [...from, '--drop-slot'], options).catch(() => {}); // there may be none
    await runTool(spec, receivewal, [...from, '--create-slot', '--if-not-exists'], options);
    await runTool(
      spec,
      tool(binary, 'pg_basebackup'),
      [...from, `--pgdata=${layout.data}`, '--wal-method=stream', '--checkpoint=fast'],
      options,
    );
    // The copy brings the source's settings along, with "not read-only" among them.
    await closeForBoot(spec, layout.data, { forget: true });
  });
}

async function prepareBoot(spec: ServerSpec, binary: ServerBinary): Promise<ServerCommand> {
  const layout = await makeDirectories(spec);
  checkSocket(spec);
  const config = await installConfig(spec, layout, 'postgres/postgresql.conf');
  const hba = await installConfig(
    spec,
    layout,
    spec.tls ? 'postgres/pg_hba_tls.conf' : 'postgres/pg_hba.conf',
  );
  if (binary.major >= 16) await installConfig(spec, layout, 'postgres/since-16.conf');
  const passfile = await writePassfile(spec, layout);
  await dropStaleLocks([
    join(layout.data, 'postmaster.pid'),
    join(layout.run, `.s.PGSQL.${spec.node.port}.lock`),
  ]);
  await closeForBoot(spec, layout.data, { forget: false });
  const settings = {
    config_file: config,
    hba_file: hba,
    listen_addresses: spec.node.host,
    port: String(spec.node.port),
    unix_socket_directories: layout.run,
    cluster_name: spec.node.name,
    ...(spec.tls && {
      ssl: 'on',
      ssl_ca_file: spec.tls.ca,
      ssl_cert_file: spec.tls.server,
      ssl_key_file: spec.tls.server,
    }),
  };
  return {
    file: binary.path,
    args: [
      '-D',
      layout.data,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: { ...toolEnvironment(), PGPASSFILE: passfile },
  };
}

export const server: EngineServer = {
  find,
  explainMissing:
    'No PostgreSQL 15 or newer: POSTGRES_BIN is not set to its directory, and neither /usr/lib/postgresql nor PATH has ' +
    'one. On Debian and Ubuntu: apt-get install postgresql (with create_main_cluster = false in ' +
    '/etc/postgresql-common/createcluster.conf, or it starts a server of its own).',
  debianPackages: ['postgresql'],
  initialise,
  isEmpty: (spec) => dataIsEmpty(spec.stateDir, PROOF),
  copyFrom,
  prepareBoot,
};
