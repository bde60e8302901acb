import { pc } from '../colours.ts';
import { formatDurationMs } from '../duration.ts';
import { table } from '../table.ts';
import type { LabStatus, NodeStatus } from './types.ts';

/** The table people read. One line a node, one a service; colours only stress what the words say. */
export function renderStatus(status: LabStatus): string {
  const title = `${status.engine}, ${status.topology}, ${status.durability}, ${status.runtime}`;
  const primary = status.primary ? `${status.primary} (epoch ${status.epoch})` : pc.red('none');
  const lines = [
    `${pc.bold(title)}   primary: ${primary}`,
    '',
    ...table(['NODE', 'ADDRESS', 'STATE', 'ROLE', 'LAG', 'READ-ONLY', 'POSITION'], status.nodes.map(nodeRow)),
    '',
    ...table(
      ['SERVICE', 'STATE'],
      [
        ...[...status.apis, { name: 'haproxy', ...status.haproxy }].map((s) => [s.name, serviceState(s)]),
        ...status.supervisors.map((s) => [s.name, supervisorState(s)]),
      ],
    ),
    '',
    `VIP      ${vipText(status)}`,
    ...status.supervisors.flatMap(({ name, reasons }) =>
      reasons.map((reason) => `${name} ${pc.yellow(reason)}`),
    ),
    `failover ${status.armed.ok ? 'armed' : `not armed: ${status.armed.reasons.join('; ')}`}`,
    ...(status.capCpus === null ? [] : [pc.yellow(`cap      each database may use ${status.capCpus} CPUs`)]),
    ...status.faults.map((f) =>
      pc.yellow(
        `fault    ${f.name} on ${f.node}, heals ${f.healsInMs > 0 ? `in ${formatDurationMs(f.healsInMs)}` : 'now'}`,
      ),
    ),
    '',
    ...Object.entries(status.urls).map(([name, url]) => `${name.padEnd(13)}${url}`),
  ];
  return lines.join('\n');
}

function nodeRow(node: NodeStatus): string[] {
  return [
    node.name,
    node.address,
    stateOf(node),
    node.role,
    node.lagMs === null ? '?' : formatDurationMs(node.lagMs),
    node.readOnly === null ? '?' : node.readOnly ? 'yes' : 'no',
    shorten(node.position),
  ];
}

function stateOf(node: NodeStatus): string {
  if (node.condition === 'frozen') return pc.yellow('frozen');
  if (node.condition === 'down') return pc.red('down');
  if (!node.up) return pc.red('no answer');
  return node.replicating === false ? pc.yellow('not replicating') : pc.green('up');
}

function serviceState(service: { ready: boolean; condition: string }): string {
  if (service.condition !== 'running') return pc.red(service.condition);
  return service.ready ? pc.green('ready') : pc.yellow('not ready');
}

function supervisorState({ condition, phase }: LabStatus['supervisors'][number]): string {
  if (condition !== 'running') return pc.red(condition);
  return phase === null ? pc.yellow('no answer') : phase;
}

function vipText(status: LabStatus): string {
  if (status.vip) return `${status.vip.address} on ${status.vip.holder ?? pc.red('no node')}`;
  return status.runtime === 'native' ? 'none: the native runtime has no virtual IP' : 'unknown';
}

/** A GTID set grows with every server it has seen; its end is what changes. */
const shorten = (position: string | null): string => {
  if (position === null) return '?';
  return position.length <= 46 ? position || '(empty)' : `…${position.slice(-45)}`;
};
