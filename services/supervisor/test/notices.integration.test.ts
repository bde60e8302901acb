import { type Caught, startCatcher } from '@replication-lab/catcher';
import { availableEngines, startCluster } from '@replication-lab/engines/testing';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Announcer, type Notice } from '../src/index.ts';
import { Mail } from '../src/notices/mail.ts';
import { Webhook } from '../src/notices/webhook.ts';
import { until, Watch } from './support.ts';

const { engines } = await availableEngines();
const noticesOf = (caught: readonly Caught[]): Notice[] =>
  caught.filter(({ via }) => via === 'webhook').map(({ text }) => JSON.parse(text));

// What a notice says is the same for every engine.
it.each(engines.slice(0, 1))('%s: a failover is told once, by webhook and by mail', async (engine) => {
  await using catcher = await startCatcher({ host: '127.0.0.1', port: 0, smtpPort: 0 });
  await using cluster = await startCluster(engine, { subnet: '127.0.59', supervised: true });
  const announcers: Announcer[] = [];
  await using watch = new Watch(cluster, 2, (by, status) => {
    const channels = [
      new Webhook(catcher.webhookUrl),
      new Mail({ url: catcher.smtpUrl, from: 'supervisor@lab.test', to: 'on-call@lab.test' }),
    ];
    const parts = { supervisor: `supervisor-${by}`, engine, runbook: 'runbook', channels, status };
    const announcer = new Announcer({ ...parts, log: pino({ level: 'silent' }) });
    announcers.push(announcer);
    return announcer;
  });
  try {
    await watch.untilArmed();
    const acting = `supervisor-${watch.active}`;
    await cluster.kill('db-1');
    const to = await watch.untilPromoted('db-1');
    await until('told', () => catcher.list().length >= 2);
    expect(noticesOf(catcher.list())).toMatchObject([
      {
        ...{ kind: 'failover', supervisor: acting, engine, from: 'db-1', to, epoch: 2 },
        ...{ outageMs: expect.any(Number), evidence: expect.any(String), runbook: 'runbook#failover' },
        proof: { node: to, epoch: 1, voters: [{ name: 'db-2' }, { name: 'db-3' }], old: { name: 'db-1' } },
      },
    ]);
    const mail = catcher.list().find(({ via }) => via === 'mail');
    expect(mail?.title).toContain(`${to} is open to clients in place of db-1, epoch 2`);
    expect(mail?.text).toContain('Proof:');
    expect(catcher.list()).toHaveLength(2);
  } finally {
    for (const announcer of announcers) announcer.close();
  }
});
