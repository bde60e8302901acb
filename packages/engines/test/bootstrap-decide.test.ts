import { expect, test } from 'vitest';
import { type BootstrapPlan, decideBootstrap, type Observation } from '../src/bootstrap/index.ts';
import { positions } from '../src/mysql/positions.ts';
import type { Position } from '../src/types.ts';

const UUID = '11111111-1111-1111-1111-111111111111';
const ERRANT = '22222222-2222-2222-2222-222222222222:1';
const upTo = (n: number, extra = '') =>
  positions.parse([`${UUID}:1-${n}`, extra].filter(Boolean).join(',')) as Position;

const nodes = [1, 2, 3].map((n) => ({ name: `db-${n}`, host: `host-${n}`, port: 3306 }));
type Up = Extract<Observation, { state: 'up' }>;
type UpFields = Partial<Omit<Up, 'probe'>> & { probe?: Partial<Up['probe']> };

const silent = (n: number): Observation => ({ node: `db-${n}`, state: 'silent', why: 'no login' });
const empty = (n: number): Observation => ({ node: `db-${n}`, state: 'empty' });
function up(n: number, { probe, ...rest }: UpFields = {}): Observation {
  return {
    node: `db-${n}`,
    state: 'up',
    pristine: false,
    finished: true,
    held: upTo(10),
    ...rest,
    probe: { readOnly: true, epoch: 1, replicating: null, source: null, ...probe },
  };
}
const pristine = (n: number, probe: UpFields['probe'] = {}) =>
  up(n, { pristine: true, finished: false, held: positions.empty, probe: { epoch: 0, ...probe } });
const open = (n: number, probe: UpFields['probe'] = {}, held = upTo(10)) =>
  up(n, { held, probe: { readOnly: false, ...probe } });
const closed = (n: number, held: Position, epoch = 1) => up(n, { held, probe: { epoch } });
const replicaOf = (source: number, n: number, probe: UpFields['probe'] = {}) =>
  up(n, { probe: { source: `host-${source}`, replicating: true, ...probe } });

const decide = (observations: Observation[], replicaNeedsCopy = false): BootstrapPlan =>
  decideBootstrap(observations, { nodes, positions, replicaNeedsCopy });

const CASES: [name: string, observations: Observation[], expected: Partial<Record<string, unknown>>][] = [
  [
    'all pristine: the first node becomes the first primary',
    [pristine(1), pristine(2), pristine(3)],
    {
      kind: 'start',
      primary: 'db-1',
      epoch: 1,
      finish: true,
      attach: [
        { node: 'db-2', copy: false },
        { node: 'db-3', copy: false },
      ],
    },
  ],
  [
    'all pristine but one silent: nobody knows what that one holds',
    [pristine(1), pristine(2), silent(3)],
    { kind: 'refuse', code: 'too-few-nodes' },
  ],
  [
    'all empty: the first is initialised',
    [empty(1), empty(2), empty(3)],
    { kind: 'start', primary: 'db-1', initialise: true },
  ],
  [
    'a first start that ended before the schema goes on where it was',
    [pristine(1), pristine(2, { readOnly: false }), pristine(3)],
    { kind: 'start', primary: 'db-2', initialise: false, close: [] },
  ],
  [
    'a first start that ended before the marker is finished',
    [up(1, { finished: false, probe: { readOnly: false } }), pristine(2), pristine(3)],
    {
      kind: 'keep',
      primary: 'db-1',
      epoch: 1,
      finish: true,
      attach: [
        { node: 'db-2', copy: false },
        { node: 'db-3', copy: false },
      ],
    },
  ],
  [
    'all is well: nothing changes',
    [open(1), replicaOf(1, 2), replicaOf(1, 3)],
    {
      kind: 'keep',
      primary: 'db-1',
      epoch: 1,
      finish: false,
      attach: [],
      close: [],
      following: ['db-2', 'db-3'],
    },
  ],
  [
    'a replica whose replication stands is attached again',
    [open(1), replicaOf(1, 2, { replicating: false }), replicaOf(1, 3)],
    { kind: 'keep', attach: [{ node: 'db-2', copy: false }], following: ['db-3'] },
  ],
  [
    'an open primary is kept even when the others are silent',
    [open(1), silent(2), silent(3)],
    { kind: 'keep', primary: 'db-1', silent: ['db-2', 'db-3'] },
  ],
  [
    'two open nodes: the newer reign wins, the older is closed',
    [open(1, { epoch: 1 }), open(2, { epoch: 2 }, upTo(20)), replicaOf(2, 3, { epoch: 2 })],
    { kind: 'keep', primary: 'db-2', epoch: 2, close: ['db-1'] },
  ],
  [
    'two open nodes of one reign: a person has to choose',
    [open(1), open(2), replicaOf(1, 3)],
    { kind: 'refuse', code: 'two-primaries' },
  ],
  [
    'an open node of an older reign than a closed one is not the primary',
    [open(1, { epoch: 1 }), closed(2, upTo(20), 2), closed(3, upTo(15), 2)],
    { kind: 'reopen', primary: 'db-2', epoch: 3, close: ['db-1'] },
  ],
  [
    'all closed: the newest position is reopened, not the first to answer',
    [closed(1, upTo(5)), closed(2, upTo(9)), closed(3, upTo(7))],
    { kind: 'reopen', primary: 'db-2', epoch: 2, finish: false },
  ],
  [
    'the epoch goes before the position',
    [closed(1, upTo(9)), closed(2, upTo(9), 2), up(3)],
    { kind: 'reopen', primary: 'db-2', epoch: 3 },
  ],
  [
    'between equals, the last primary: it follows nobody',
    [replicaOf(3, 1, { replicating: false }), replicaOf(3, 2, { replicating: false }), up(3)],
    { kind: 'reopen', primary: 'db-3' },
  ],
  ['two of three are enough', [up(1), up(2), silent(3)], { kind: 'reopen', silent: ['db-3'] }],
  ['one of three is not', [up(1), silent(2), silent(3)], { kind: 'refuse', code: 'too-few-nodes' }],
  [
    'a node without memory is no witness',
    [up(1), pristine(2), silent(3)],
    { kind: 'refuse', code: 'too-few-nodes' },
  ],
  [
    'one with history and two without: only it can be meant',
    [up(1, { finished: false, probe: { epoch: 0 } }), pristine(2), pristine(3)],
    { kind: 'reopen', primary: 'db-1', epoch: 1, finish: true },
  ],
  [
    'a replica with writes of its own is left out, by name',
    [open(1), closed(2, upTo(10, ERRANT)), replicaOf(1, 3)],
    { kind: 'keep', diverged: ['db-2'], following: ['db-3'] },
  ],
  [
    'none holds all: a person has to choose',
    [closed(1, upTo(12)), closed(2, upTo(10, ERRANT)), silent(3)],
    { kind: 'refuse', code: 'histories-differ' },
  ],
];

test.each(CASES)('%s', (_name, observations, expected) => {
  expect(decide(observations)).toMatchObject(expected);
});

test('an engine whose replicas begin as a copy gets copies', () => {
  const plan = decide([pristine(1), empty(2), empty(3)], true);
  expect(plan).toMatchObject({ primary: 'db-1', attach: [{ copy: true }, { copy: true }] });
  expect(decide([open(1), replicaOf(1, 2), empty(3)], true)).toMatchObject({
    attach: [{ node: 'db-3', copy: true }],
  });
});

test('topology single: its only node may be opened alone', () => {
  const one = { nodes: nodes.slice(0, 1), positions, replicaNeedsCopy: false };
  expect(decideBootstrap([pristine(1)], one)).toMatchObject({ kind: 'start', primary: 'db-1' });
  expect(decideBootstrap([up(1)], one)).toMatchObject({ kind: 'reopen', primary: 'db-1', epoch: 2 });
  expect(decideBootstrap([silent(1)], one)).toMatchObject({ kind: 'refuse' });
});
