import { engineOf } from '@replication-lab/engines/local';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeChannel, type OrderEvent } from '../src/node-channel.ts';
import { until } from './support.ts';

const { engines } = await availableEngines();

describe.each(engines)('%s: the line to a node', (engine) => {
  let cluster: Cluster;
  let channel: NodeChannel;
  const orders: OrderEvent[] = [];

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: '127.0.57', supervised: true });
    const { nodes, accounts, database } = cluster;
    channel = new NodeChannel({
      ...{ engine: engineOf(engine), node: cluster.endpoint('db-2'), nodes, database },
      ...{ account: accounts.supervisor, replication: accounts.replication?.['db-2'] },
      onNews: () => {},
      onOrder: (order) => orders.push(order),
    });
    channel.start();
  });
  afterAll(async () => {
    await channel?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  // A source that is cut off gives as few answers as a frozen one. The receiver that tries to reach it stops late.
  it('and its lock outlast a receiver that stops late, because its source gives no answer', async () => {
    await until('answering', () => channel.report().state?.linked);
    channel.give({ do: 'lock', node: 'db-2' });
    await until('locked', () => channel.report().lock === 'held');
    await cluster.kill('db-1', 'SIGSTOP');
    await until('without a link', () => channel.report().state?.linked === false);
    channel.give({ do: 'detach', node: 'db-2' });
    await until('carried out', () => orders.some(({ action }) => action.do === 'detach'));
    expect(orders.map(({ action, outcome, error }) => ({ do: action.do, outcome, error }))).toEqual([
      { do: 'lock', outcome: 'done', error: null },
      { do: 'detach', outcome: 'done', error: null },
    ]);
    await until('detached', () => channel.report().state?.detached);
    expect(channel.report()).toMatchObject({ lock: 'held', failure: null });
  });
});
