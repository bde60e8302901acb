/** Names of transactions as a set that the server reads: `uuid:1`, `uuid:2`, `uuid:tag:7` become `uuid:1-2,uuid:tag:7`. */
export function gtidSetOf(gtids: Iterable<string>): string {
  const numbers = new Map<string, number[]>();
  for (const gtid of gtids) {
    const at = gtid.lastIndexOf(':');
    const source = gtid.slice(0, at);
    const list = numbers.get(source);
    if (list) list.push(Number(gtid.slice(at + 1)));
    else numbers.set(source, [Number(gtid.slice(at + 1))]);
  }
  return [...numbers].map(([source, list]) => `${source}:${ranges(list).join(':')}`).join(',');
}

function ranges(numbers: readonly number[]): string[] {
  const found: [number, number][] = [];
  for (const n of numbers.toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && n <= last[1] + 1) last[1] = Math.max(n, last[1]);
    else found.push([n, n]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}

const COMMITTED = /original_committed_timestamp=(\d+)|original_commit_timestamp=(\d+)/;
const NEXT = /GTID_NEXT\s*=\s*'([0-9a-f-]{36}:(?:\w+:)?\d+)'/i;

/**
 * Reads what mysqlbinlog prints: first a line with the time at which the transaction was committed on its primary, then one with its
 * name.
 */
export function lineReader(): (line: string) => { gtid: string; us: number } | undefined {
  let us = 0;
  return (line) => {
    const time = COMMITTED.exec(line);
    if (time) us = Number(time[1] ?? time[2]);
    const next = NEXT.exec(line);
    return next ? { gtid: next[1]!.toLowerCase(), us } : undefined;
  };
}
