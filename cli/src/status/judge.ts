import { armedOf } from './supervisors.ts';
import type { LabObservation, LabStatus, NodeObservation, NodeStatus, StalenessByNode } from './types.ts';

/** From what was seen to what is true of the lab. Pure. */
export function judge(seen: LabObservation): LabStatus {
  const primary = findPrimary(seen.nodes);
  return {
    engine: seen.engine,
    runtime: seen.runtime,
    topology: seen.topology,
    durability: seen.durability,
    primary: primary?.name ?? null,
    epoch: Math.max(0, ...seen.nodes.map((node) => node.answer?.epoch ?? 0)),
    armed: armedOf(seen),
    nodes: seen.nodes.map((node) => nodeStatus(node, seen.staleness)),
    apis: seen.apis,
    supervisors: seen.supervisors.map(({ name, condition, says }) => ({
      ...{ name, condition },
      ...{ phase: says?.phase ?? null, reasons: !says || says.phase === 'passive' ? [] : says.reasons },
    })),
    haproxy: { ready: seen.haproxy.ready, condition: seen.haproxy.condition },
    vip: seen.vip,
    capCpus: seen.capCpus,
    faults: seen.faults,
    urls: seen.urls,
  };
}

/** The writable node with the highest epoch; two writable nodes of one epoch are no primary but a split. */
function findPrimary(nodes: readonly NodeObservation[]): NodeObservation | null {
  const writable = nodes.filter((node) => node.answer?.role === 'primary' && !node.answer.readOnly);
  const newest = Math.max(...writable.map((node) => node.answer!.epoch));
  const holders = writable.filter((node) => node.answer!.epoch === newest);
  return holders.length === 1 ? holders[0]! : null;
}

function nodeStatus(node: NodeObservation, staleness: StalenessByNode): NodeStatus {
  const { name, address, condition, answer } = node;
  const role = answer?.role ?? 'unknown';
  return {
    name,
    address,
    role,
    up: answer !== null,
    condition,
    readOnly: answer?.readOnly ?? null,
    position: answer?.position ?? null,
    lagMs: lagOf(node, staleness),
    epoch: answer?.epoch ?? null,
    replicating: answer?.replicating ?? null,
    source: answer?.source ?? null,
  };
}

/**
 * The routers' measure first: it is a bound from positions seen. The engine's own figure is blind in known cases (an
 * idle or cut-off source) and only stands in while no API replica answers.
 */
function lagOf(node: NodeObservation, staleness: StalenessByNode): number | null {
  if (node.answer === null || node.answer.role === 'unknown') return null;
  if (node.answer.role === 'primary') return 0;
  const lagMs = staleness[node.name] ?? node.answer.engineLagMs;
  return lagMs === null ? null : Math.round(lagMs);
}
