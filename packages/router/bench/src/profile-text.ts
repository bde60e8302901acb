import type { Profiler } from 'node:inspector';

type Profile = Profiler.Profile;
type Frame = Profiler.ProfileNode['callFrame'];

const SHOWN = 30;

/** Waiting, and the profiler itself. */
const isNoWork = ({ functionName, url }: Frame): boolean =>
  functionName === '(idle)' || url.endsWith('node:inspector');

/** Of the router and of what it stands on, not of the drivers and not of Node. */
const isOurs = ({ url }: Frame): boolean => /\/packages\/(router|engines)\/src\//.test(url);

const nameOf = ({ functionName, url, lineNumber }: Frame): string => {
  const place = url === '' ? '' : ` ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`;
  return `${functionName || '(anonymous)'}${place}`;
};

/** Two lists in % of all working time: what functions took themselves, and what ours took with all that they call. */
export function describeProfile(profile: Profile): string {
  const own = ownTimes(profile);
  const self = new Map<string, number>();
  for (const { id, callFrame } of profile.nodes) {
    if (!isNoWork(callFrame)) add(self, nameOf(callFrame), own.get(id) ?? 0);
  }
  const total = [...self.values()].reduce((sum, time) => sum + time, 0);
  return [
    'themselves:',
    ...lines(self, total),
    'with what they call, of the router and the engines:',
    ...lines(inclusiveTimes(profile, own), total),
  ].join('\n');
}

function ownTimes({ samples = [], timeDeltas = [] }: Profile): Map<number, number> {
  const times = new Map<number, number>();
  for (const [i, id] of samples.entries()) times.set(id, (times.get(id) ?? 0) + (timeDeltas[i] ?? 0));
  return times;
}

/** A function that is on the stack twice counts once. */
function inclusiveTimes({ nodes }: Profile, own: ReadonlyMap<number, number>): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<string, number>();
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id);
    if (!node || isNoWork(node.callFrame)) return 0;
    const name = nameOf(node.callFrame);
    const stack = new Set([...above, name]);
    let time = own.get(id) ?? 0;
    for (const child of node.children ?? []) time += walk(child, stack);
    if (isOurs(node.callFrame) && !above.has(name)) add(times, name, time);
    return time;
  };
  const [root] = nodes;
  if (root) walk(root.id, new Set());
  return times;
}

const add = (times: Map<string, number>, name: string, time: number): void => {
  times.set(name, (times.get(name) ?? 0) + time);
};

const lines = (times: ReadonlyMap<string, number>, total: number): string[] =>
  [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, time]) => `${((100 * time) / total).toFixed(1).padStart(6)} %  ${name}`);
