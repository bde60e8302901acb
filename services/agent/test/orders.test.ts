import type { NodeProbe, Position } from '@replication-lab/engines';
import { expect, test } from 'vitest';
import { judgeOrder } from '../src/orders.ts';

const source = { name: 'db-2', host: '10.0.0.2' };
const nothing = '' as Position;
const primary: NodeProbe = {
  role: 'primary',
  readOnly: false,
  position: nothing,
  received: nothing,
  replicating: null,
  source: null,
  engineLagMs: null,
  epoch: 5,
  serverId: '2',
};
const replica: NodeProbe = {
  ...primary,
  role: 'replica',
  readOnly: true,
  replicating: true,
  source: source.host,
};

test.each<[string, NodeProbe | null]>([
  ['does not answer', null],
  ['is an older primary', { ...primary, epoch: 4 }],
  ['is closed and follows nobody', { ...primary, role: 'unknown', readOnly: true }],
  ['is a closed primary of this reign', { ...primary, readOnly: true }],
  [
    'is closed, and holds a newer epoch row that nobody confirmed',
    { ...primary, role: 'unknown', readOnly: true, epoch: 6 },
  ],
  ['follows the source, and it does not work', { ...replica, replicating: false }],
  ['replicates from somebody else', { ...replica, source: '10.0.0.3' }],
])('the order stands when this node %s', (_, ownProbe) => {
  expect(judgeOrder({ epoch: 5, source, sourceProbe: primary, ownProbe })).toBeNull();
});

test.each<[string, NodeProbe]>([
  ['the open primary of the same reign', primary],
  ['the open primary of epoch 6', { ...primary, epoch: 6 }],
  ['replicates from db-2', replica],
])('the order is refused when this node is %s', (_, ownProbe) => {
  const why = judgeOrder({ epoch: 5, source, sourceProbe: primary, ownProbe });
  expect(why).toMatch(/^this node/);
});

test.each<[string, NodeProbe | null]>([
  ['db-2 does not answer', null],
  ['db-2 is no open primary', { ...primary, readOnly: true }],
  ['db-2 is no open primary', replica],
  ['db-2 is no open primary', { ...primary, role: 'unknown', readOnly: true }],
  ['db-2 is the primary of epoch 6, not of 5', { ...primary, epoch: 6 }],
  ['db-2 is the primary of epoch 4, not of 5', { ...primary, epoch: 4 }],
])('the order is refused because %s', (why, sourceProbe) => {
  for (const ownProbe of [null, { ...primary, epoch: 4 }]) {
    expect(judgeOrder({ epoch: 5, source, sourceProbe, ownProbe })).toBe(why);
  }
});
