import { readFile } from 'node:fs/promises';

/** The first of these users that this machine has, when we are root and so can and should be somebody else; else null. */
export async function unprivilegedUser(
  names: readonly string[],
): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const users = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of names) {
    const found = users.find((fields) => fields[0] === name);
    if (found) return { uid: Number(found[2]), gid: Number(found[3]) };
  }
  return null;
}
