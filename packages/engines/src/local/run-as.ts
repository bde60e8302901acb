import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { EngineName, ServerSpec } from '../types.ts';

type RunAs = ServerSpec['runAs'];

/** The user that the distribution's package makes, then one that is always there. */
const CANDIDATES: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: ['mysql', 'nobody'],
  mariadb: ['mysql', 'nobody'],
  postgres: ['postgres', 'nobody'],
};

/**
 * The unprivileged user a server should run as: null unless we are root (PostgreSQL refuses root, and the others
 * should). `passwd` is the text of /etc/passwd.
 */
export function chooseRunAs(engine: EngineName, ownUid: number, passwd: string): RunAs {
  if (ownUid !== 0) return null;
  const users = passwd.split('\n').map((line) => line.split(':'));
  for (const name of CANDIDATES[engine]) {
    const found = users.find((fields) => fields[0] === name);
    if (found) return { name, uid: Number(found[2]), gid: Number(found[3]) };
  }
  throw new Error(
    `no unprivileged user for ${engine}: none of ${CANDIDATES[engine].join(', ')} is in /etc/passwd`,
  );
}

/** `chooseRunAs` for this process. */
export async function runAsFor(engine: EngineName): Promise<RunAs> {
  return chooseRunAs(engine, userInfo().uid, await readFile('/etc/passwd', 'utf8').catch(() => ''));
}
