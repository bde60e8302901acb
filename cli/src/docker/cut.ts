import { LabError } from '../errors.ts';
import type { Cut } from '../runtime.ts';

/** Shell scripts for a database's host, which may change its network (NET_ADMIN) and has iptables. */

/** Chains of our own, so that whatever else filters packets there stays as it is. */
const IN = 'LAB-CUT-IN';
const OUT = 'LAB-CUT-OUT';

/** On another network than the hosts: their names are not known there, and nothing passes that could be dropped. */
const ELSEWHERE = ['haproxy'];

/** Names are looked up before anything is dropped: afterwards the answer may not come through. */
export function cutOffScript({ from: everybody, direction, share }: Cut): string {
  const from = everybody.filter((part) => !ELSEWHERE.includes(part));
  if (from.length === 0)
    throw new LabError('usage', `a database's host has no link to ${everybody.join(', ')}`, null);
  const chance = share < 1 ? ` -m statistic --mode random --probability ${share}` : '';
  const chain = (name: string, hook: string) =>
    `iptables -w -N ${name} 2>/dev/null && iptables -w -I ${hook} -j ${name}; true`;
  return [
    'set -e',
    `addresses=$(getent ahostsv4 ${from.join(' ')} | awk '{ print $1 }' | sort -u)`,
    `[ -n "$addresses" ] || { echo 'nobody to be cut off from has an address' >&2; exit 1; }`,
    chain(OUT, 'OUTPUT'),
    chain(IN, 'INPUT'),
    'for address in $addresses; do',
    `  iptables -w -A ${OUT} -d "$address"${chance} -j DROP`,
    ...(direction === 'both' ? [`  iptables -w -A ${IN} -s "$address"${chance} -j DROP`] : []),
    'done',
  ].join('\n');
}

export const RECONNECT = `for chain in ${IN} ${OUT}; do iptables -w -F "$chain" 2>/dev/null; done; true`;

export const SHOW_CUT = `for chain in ${IN} ${OUT}; do iptables -w -S "$chain" 2>/dev/null; done; true`;
