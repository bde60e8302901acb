import { join } from 'node:path';
import type { Credentials, ServerBinary, ServerSpec } from '@replication-lab/engines';
import { writeOwned } from '@replication-lab/engines/local';
import { BackupError } from '../errors.ts';
import type { Site } from '../types.ts';

export async function binaryOf({ engine }: Pick<Site, 'engine'>): Promise<ServerBinary> {
  const binary = await engine.server.find();
  if (!binary) throw new BackupError('tool-missing', engine.server.explainMissing);
  return binary;
}

/** How a tool reaches a node: the password is in a file that only its user can read. */
export async function reachOf(
  spec: ServerSpec,
  directory: string,
  { user, password }: Credentials,
  verify: 'verify-ca' | 'verify-full',
) {
  const { host, port } = spec.node;
  const passfile = join(directory, 'passfile');
  const escaped = password.replaceAll(/[\\:]/g, '\\$&');
  await writeOwned(spec, passfile, `*:*:*:${user}:${escaped}\n`);
  return {
    args: [`--host=${host}`, `--port=${port}`, `--username=${user}`, '--no-password'],
    env: {
      PGPASSFILE: passfile,
      PGCONNECT_TIMEOUT: '5',
      ...(spec.tls && { PGSSLMODE: verify, PGSSLROOTCERT: spec.tls.ca }),
    },
  };
}
