import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { PrismaPg } from '@prisma/adapter-pg';
import { readReplicas } from '@prisma/extension-read-replicas';
import type { Endpoint } from '@replication-lab/engines';
import type { Setup } from '../protocol.ts';
import { statementsOf, type UserRow } from '../statements.ts';
import { pgOptions, primaryOf, replicasOf } from './drivers.ts';
import { mariadbOptions } from './mariadb-cluster.ts';
import type { OpenSubject } from './types.ts';

const FOLDER = join(import.meta.dirname, '../../prisma');
const GENERATE_MS = 120_000;

/** What is used of the client that Prisma generates. */
interface Client {
  $connect(): Promise<void>;
  $disconnect(): Promise<void>;
  $queryRawUnsafe<T>(text: string, ...values: unknown[]): Promise<T>;
  $executeRawUnsafe(text: string, ...values: unknown[]): Promise<number>;
  $extends(extension: unknown): Client & { $replica(): Client; $primary(): Client };
}

/** Raw SQL on a replica that the extension chooses: the cheapest it offers for this statement. */
export const openPrisma: OpenSubject = async (setup) => {
  const sql = statementsOf(setup.engine);
  const PrismaClient = await clientClass(setup);
  const clientOf = (node: Endpoint, account: 'app' | 'appReadOnly') =>
    new PrismaClient({ adapter: adapterOf(setup, node, account) });
  const replicas = replicasOf(setup).map((node) => clientOf(node, 'appReadOnly'));
  // Its types want a client of the generated kind, which is known only when it has been generated.
  const extension = readReplicas({ replicas: replicas as never[] });
  const prisma = clientOf(primaryOf(setup), 'app').$extends(extension);
  await prisma.$connect();
  return {
    how: 'prisma.$replica().$queryRawUnsafe(sql, ...params), $executeRawUnsafe; a random replica',
    async read(id) {
      const rows = await prisma.$replica().$queryRawUnsafe<UserRow[]>(sql.read, id);
      return rows[0];
    },
    write: (version, id) => prisma.$executeRawUnsafe(sql.write, version, id),
    close: () => prisma.$disconnect(),
  };
};

function adapterOf(setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly') {
  return setup.engine === 'postgres'
    ? new PrismaPg(pgOptions(setup, node, account))
    : new PrismaMariaDb(mariadbOptions(setup, node, account));
}

/** Prisma's client is generated code; made once a provider, and kept out of the repository. */
async function clientClass({ engine }: Setup): Promise<new (options: object) => Client> {
  const provider = engine === 'postgres' ? 'postgresql' : 'mysql';
  const file = join(FOLDER, 'generated', provider, 'client.ts');
  if (!existsSync(file)) {
    await promisify(execFile)(
      process.execPath,
      [
        join(FOLDER, '../node_modules/prisma/build/index.js'),
        'generate',
        '--schema',
        join(FOLDER, `${provider}.prisma`),
      ],
      {
        cwd: join(FOLDER, '..'),
        timeout: GENERATE_MS,
        // The generator does not need the schema engine, and must not fetch it from a host of its own.
        env: {
          ...process.env,
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
        },
      },
    );
  }
  return (await import(file)).PrismaClient;
}
