const LIST = /^\s*(?:(?:any|first)\s+)?(?:\d+\s*\()?([^()]*)\)?\s*$/i;

/** What `synchronous_standby_names` and `synchronous_commit` make of a commit. `trouble` is null when it waits for one of `voters`. */
export function quorumOf(
  names: string,
  syncCommit: string,
): { readonly voters: readonly string[]; readonly trouble: string | null } {
  const voters = (LIST.exec(names)?.[1] ?? '')
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
    .filter((name) => name !== '');
  return { voters, trouble: troubleOf(voters, syncCommit) };
}

function troubleOf(voters: readonly string[], syncCommit: string): string | null {
  if (voters.length === 0) return 'synchronous_standby_names names nobody: commits wait for no replica';
  if (voters.includes('*')) return 'synchronous_standby_names takes the word of whoever connects';
  if (syncCommit === 'on' || syncCommit === 'remote_apply') return null;
  return `synchronous_commit is ${syncCommit}: commits do not wait until a replica has them on disk`;
}
