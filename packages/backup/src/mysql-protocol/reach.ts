import { join } from 'node:path';
import type { Credentials, EngineName, ServerSpec } from '@replication-lab/engines';
import { writeOwned } from '@replication-lab/engines/local';

/** By engine: what has the tools encrypt, and believe no server but the lab's. */
const TLS: Readonly<Record<Exclude<EngineName, 'postgres'>, (ca: string) => readonly string[]>> = {
  mysql: (ca) => ['ssl-mode=VERIFY_CA', `ssl-ca=${ca}`],
  mariadb: (ca) => ['ssl', `ssl-ca=${ca}`],
};

/** A file with which the client's tools reach a server: what is on a command line everybody can read. Returns its option. */
export async function optionFile(
  engine: EngineName,
  spec: ServerSpec,
  directory: string,
  { user, password }: Credentials,
): Promise<string> {
  const { host, port } = spec.node;
  const path = join(directory, 'client.cnf');
  const quoted = password.replaceAll(/[\\"]/g, '\\$&');
  const lines = [
    '[client]',
    `host=${host}`,
    `port=${port}`,
    'protocol=tcp',
    `user=${user}`,
    `password="${quoted}"`,
    ...(spec.tls && engine !== 'postgres' ? TLS[engine](spec.tls.ca) : []),
  ];
  await writeOwned(spec, path, `${lines.join('\n')}\n`);
  // First of all options, or it is not read; and no others.
  return `--defaults-file=${path}`;
}
