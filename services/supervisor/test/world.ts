import type { NodeState, Position } from '@replication-lab/engines';
import { replicationUser } from '@replication-lab/engines/config';
import { stepFailover } from '../src/core/step.ts';
import {
  type Action,
  initialState,
  LIMITS,
  type NodeReport,
  type Observation,
  type Step,
  type StepContext,
  type SupervisorState,
} from '../src/core/types.ts';

export const at = (number: number): Position => String(number) as Position;

/** Positions of these tests are numbers; `b7` is another history, which nothing but itself covers. */
const covers = (have: string, need: string): boolean => {
  if (have === need || need === '') return true;
  return !have.startsWith('b') && !need.startsWith('b') && Number(have) >= Number(need);
};

export const NAMES = ['db-1', 'db-2', 'db-3'] as const;

export const context: StepContext = {
  endpoints: NAMES.map((name, i) => ({ name, host: `10.0.0.${i + 1}`, port: 1 })),
  positions: { covers },
  limits: LIMITS,
  forgetsReceived: false,
  random: () => 0.5,
};

export const hostOf = (name: string): string => context.endpoints.find((node) => node.name === name)!.host;

const NODE: NodeState = {
  role: 'replica',
  readOnly: true,
  position: at(100),
  received: at(100),
  drained: true,
  held: at(100),
  replicating: true,
  source: hostOf('db-1'),
  engineLagMs: 0,
  epoch: 1,
  serverId: 's',
  bootId: 'boot-1',
  promoted: false,
  demotable: false,
  detached: false,
  linked: true,
  sourceSign: 'sign-1',
  applyTrouble: null,
  waiting: 0,
  ownWrites: '' as Position,
  quorum: { armed: false, trouble: null, voters: null, confirming: [] },
};

type Changes = Partial<Omit<NodeReport, 'state'>> & { state?: Partial<NodeState> | null };

const REPLICA: NodeReport = {
  name: 'db-2',
  state: NODE,
  askedAtMs: 0,
  failure: null,
  lock: 'held',
  reign: { epoch: 1, node: 'db-1' },
  reigns: {},
};

const PRIMARY: NodeState = {
  ...NODE,
  role: 'primary',
  readOnly: false,
  replicating: null,
  source: null,
  promoted: true,
  detached: true,
  linked: false,
  sourceSign: null,
  quorum: { armed: true, trouble: null, voters: null, confirming: ['db-2', 'db-3'].map(replicationUser) },
};

/** An open, armed primary on db-1 with two replicas, and what is different from that. */
export function seen(
  changes: Partial<Record<(typeof NAMES)[number], Changes>> = {},
  lateMs = 0,
): Observation {
  const nodes = NAMES.map((name) => {
    const usual = { ...REPLICA, name, state: name === 'db-1' ? PRIMARY : NODE };
    const { state, ...rest } = changes[name] ?? {};
    const merged = state === null ? null : { ...usual.state, ...state };
    const drained = merged !== null && covers(merged.position, merged.received);
    return { ...usual, ...rest, state: merged && { ...merged, drained } };
  });
  return { nodes, lateMs };
}

export const refusedSince = (sinceMs: number, attempts = 2): Changes => ({
  failure: { kind: 'refused', sinceMs, attempts, error: 'connect ECONNREFUSED' },
});

export const silentSince = (sinceMs: number, attempts = 2): Changes => ({
  failure: { kind: 'silent', sinceMs, attempts, error: 'no answer' },
});

export const fenced = (state: Partial<NodeState> = {}): Changes => ({
  state: { detached: true, linked: false, source: null, replicating: null, ...state },
});

/** While the primary answers, replicas hear from it again and again, unless a test gives them a sign of its own. */
function heard({ nodes, lateMs }: Observation, nowMs: number): Observation {
  const isGone = nodes.some(({ name, failure }) => name === 'db-1' && failure !== null);
  if (isGone || nowMs < 1_000) return { nodes, lateMs };
  const alive = nodes.map((node) =>
    node.state?.sourceSign === NODE.sourceSign
      ? { ...node, state: { ...node.state, sourceSign: `at ${nowMs}` } }
      : node,
  );
  return { nodes: alive, lateMs };
}

/** Every node's data has been seen to hold all that the primary had. */
export const CAUGHT_UP = Object.fromEntries(
  NAMES.map((name) => [name, { id: NODE.serverId, sinceMs: -100_000, goal: at(1), isCaughtUp: true }]),
);

/** Several observations after one another; the last step. */
export function play(
  frames: readonly (readonly [nowMs: number, observation: Observation])[],
  state: SupervisorState = { ...initialState(-100_000), activeSinceMs: -100_000, lives: CAUGHT_UP },
  changes: Partial<StepContext> = {},
): Step {
  let step: Step | null = null;
  for (const [nowMs, observation] of frames) {
    step = stepFailover(step?.state ?? state, heard(observation, nowMs), nowMs, { ...context, ...changes });
  }
  return step!;
}

export const told = ({ actions }: Step): string[] => actions.map(wordsOf);

function wordsOf(action: Action): string {
  const { do: verb, node, ...rest } = action;
  return [verb, node, ...Object.values(rest).map(String)].join(' ');
}

/** Why a step does not go on, in short. */
export const reasons = ({ reasons: list }: { readonly reasons: readonly { readonly reason: string }[] }) =>
  list.map(({ reason }) => reason);
