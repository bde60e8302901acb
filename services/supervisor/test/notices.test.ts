import { createServer } from 'node:http';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startCatcher } from '@replication-lab/catcher';
import { makeAuthority } from '@replication-lab/engines/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { supervisorEnvironment } from '../src/config.ts';
import type { LoggedEvent } from '../src/events.ts';
import { createMetrics } from '../src/metrics.ts';
import { channelsFrom } from '../src/notices/config.ts';
import { NoticeDesk } from '../src/notices/desk.ts';
import { Mail } from '../src/notices/mail.ts';
import { type Notice, noticeText } from '../src/notices/notice.ts';
import { Notices } from '../src/notices/notices.ts';
import { type Channel, Outbox, PermanentFailure } from '../src/notices/outbox.ts';
import { Webhook } from '../src/notices/webhook.ts';
import { until } from './support.ts';
import { play, seen, silentSince } from './world.ts';

const PARTS = { supervisor: 'supervisor-1', engine: 'mariadb', runbook: 'docs/guides/notices.md' };
const AT = '2026-01-01T00:00:00.000Z';

const proof = {
  ...{ node: 'db-2', epoch: 1 },
  voters: [
    { name: 'db-2', held: '0-1-36', epoch: 1, askedAt: AT, detachedAt: AT },
    { name: 'db-3', held: '0-1-35', epoch: 1, askedAt: AT, detachedAt: AT },
  ],
  old: { name: 'db-1', held: '0-1-36', askedAt: AT, failure: 'refused: nobody listens' },
};
const logged = { seq: 1, at: AT, text: 'db-2 is open to clients in place of db-1, epoch 2' };
const chosen: LoggedEvent = { ...logged, what: 'chosen', ...proof };
const opened: LoggedEvent = {
  ...logged,
  ...{ what: 'opened', node: 'db-2', epoch: 2, from: 'db-1', evidence: 'hard' },
  ...{ outageMs: 741, promotionMs: 300 },
};

function failoverNotice(): Notice {
  const desk = new NoticeDesk(PARTS);
  expect(desk.event(chosen)).toBeNull();
  return desk.event(opened)!;
}

describe('what is worth a notice', () => {
  it('a failover, with what it was decided by', () => {
    const notice = failoverNotice();
    expect(notice).toMatchObject({
      ...{ kind: 'failover', at: AT, from: 'db-1', to: 'db-2', epoch: 2, evidence: 'hard', outageMs: 741 },
      ...{ title: logged.text, proof, runbook: 'docs/guides/notices.md#failover' },
    });
    const text = noticeText(notice);
    expect(text).toContain('- db-2 held 0-1-36, receives from nobody since 2026-01-01T00:00:00.000Z (chosen');
    expect(text).toContain(
      '- db-1, the old primary, told last (2026-01-01T00:00:00.000Z) that it held 0-1-36',
    );
    expect(text).toMatch(/^outage {10}741 ms/m);
  });

  it('a switchover only where it became a failover', () => {
    const desk = new NoticeDesk(PARTS);
    const wished = { ...logged, what: 'wished', from: 'db-1', to: 'db-2', epoch: 1 } as LoggedEvent;
    expect(desk.event(wished)).toBeNull();
    expect(desk.event({ ...opened, from: null, evidence: null } as LoggedEvent)).toBeNull();
    expect(desk.event(opened)).toMatchObject({ kind: 'failover' });
  });

  it('the proof of another failover is not told with it', () => {
    const desk = new NoticeDesk(PARTS);
    desk.event({ ...chosen, epoch: 7 } as LoggedEvent);
    expect(desk.event(opened)).toMatchObject({ kind: 'failover', proof: null });
  });

  const whole = play([[0, seen()]]);
  const alone = play([[0, seen({ 'db-3': silentSince(0) })]]);
  const refused = {
    ...{ ...alone, state: { ...alone.state, phase: 'refusing' as const } },
    reasons: [{ reason: 'voter-silent' as const, detail: 'db-3 does not answer' }],
  };

  it('nobody would be promoted for half a minute, once; and that it is over', () => {
    const desk = new NoticeDesk(PARTS);
    const kinds = (ms: number, step = alone) => desk.tick(step, ms, AT).map(({ kind }) => kind);
    expect([kinds(0, whole), kinds(10), kinds(29_000)]).toEqual([[], [], []]);
    expect([kinds(30_010), kinds(60_000), kinds(99_000)]).toEqual([['unarmed'], [], []]);
    expect([kinds(99_100, whole), kinds(99_200, whole)]).toEqual([['armed'], []]);
  });

  it('a write on a replica at once, though it is mended by itself', () => {
    const desk = new NoticeDesk(PARTS);
    const reasons = ['voter-silent: db-3 does not answer', 'errant-write: db-2 was written to'];
    const unarmed: LoggedEvent = { ...logged, what: 'unarmed', epoch: 1, reasons };
    expect(desk.event({ ...unarmed, reasons: [reasons[0]!] })).toBeNull();
    expect(desk.event(unarmed)).toMatchObject({ kind: 'unarmed', title: 'db-2 was written to', reasons });
    expect(desk.event(unarmed)).toBeNull();
    expect(desk.tick(whole, 5_000, AT)).toMatchObject([{ kind: 'armed' }]);
  });

  it('a short disarmament is none', () => {
    const desk = new NoticeDesk(PARTS);
    const told = [0, 29_000].flatMap((ms) => desk.tick(alone, ms, AT));
    expect([...told, ...desk.tick(whole, 29_100, AT), ...desk.tick(alone, 29_200, AT)]).toEqual([]);
    expect(desk.tick(alone, 31_000, AT)).toEqual([]);
  });

  it('a failover that is refused, with why, when it does not pass at once', () => {
    const desk = new NoticeDesk(PARTS);
    expect([...desk.tick(refused, 0, AT), ...desk.tick(refused, 1_900, AT)]).toEqual([]);
    const [notice, ...more] = desk.tick(refused, 2_000, AT);
    expect([notice!.kind, notice!.from, more]).toEqual(['refused', 'db-1', []]);
    expect(notice!.title).toBe('db-1 is gone, and nobody takes its place: voter-silent');
    expect(notice!.reasons).toEqual([expect.stringContaining('db-3')]);
    // The same trouble is not told again as being unarmed.
    expect(desk.tick(refused, 90_000, AT)).toEqual([]);
    expect(desk.tick(whole, 91_000, AT).map(({ kind }) => kind)).toEqual(['armed']);
  });

  it('nothing of a supervisor that only watches', () => {
    const passive = { ...alone, state: { ...alone.state, phase: 'passive' as const } };
    const desk = new NoticeDesk(PARTS);
    expect([0, 60_000].flatMap((ms) => desk.tick(passive, ms, AT))).toEqual([]);
    expect(desk.tick(null, 90_000, AT)).toEqual([]);
  });

  it('a supervisor that takes over goes on with it: what another one will have told, it ends', () => {
    const watching = (step: typeof alone) => ({
      ...step,
      state: { ...step.state, phase: 'passive' as const },
    });
    const desk = new NoticeDesk(PARTS);
    const kinds = (ms: number, step: typeof alone) => desk.tick(step, ms, AT).map(({ kind }) => kind);
    expect([kinds(0, watching(alone)), kinds(31_000, watching(alone))]).toEqual([[], []]);
    expect(kinds(32_000, whole)).toEqual(['armed']);
    // One that loses the office for a moment does not begin anew.
    expect([kinds(40_000, alone), kinds(60_000, watching(alone)), kinds(70_000, alone)]).toEqual([
      [],
      [],
      ['unarmed'],
    ]);
    expect([kinds(71_000, watching(alone)), kinds(72_000, watching(whole)), kinds(73_000, whole)]).toEqual([
      [],
      [],
      [],
    ]);
  });
});

describe('on its way', () => {
  const LIMITS = { queued: 2, attempts: 3, attemptMs: 1_000, pauseMs: 1 };
  const named = (id: string): Notice => ({ ...failoverNotice(), id });

  function outbox(send: Channel['send']) {
    const news: string[] = [];
    const box = new Outbox({ name: 'webhook', send }, (what, { id }) => news.push(`${id} ${what}`), LIMITS);
    return { box, news };
  }

  it('a notice is tried again, and given up in the end', async () => {
    let fails = 2;
    const { box, news } = outbox(async () => {
      if (fails-- > 0) throw new Error('away');
    });
    box.add(named('a'));
    await until('sent', () => news.length === 3);
    fails = 3;
    box.add(named('b'));
    await until('dropped', () => news.length === 6);
    expect(news).toEqual(['a failed', 'a failed', 'a sent', 'b failed', 'b failed', 'b dropped']);
  });

  it('what the other side refuses for good is not tried again', async () => {
    const { box, news } = outbox(() => Promise.reject(new PermanentFailure('no')));
    box.add(named('a'));
    await until('dropped', () => news.length === 1);
    expect(news).toEqual(['a dropped']);
  });

  it('one that hangs ends at its deadline; of too many the oldest that waits is dropped', async () => {
    const { box, news } = outbox(
      (_notice, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    for (const id of ['a', 'b', 'c', 'd']) box.add(named(id));
    expect([box.waiting, news]).toEqual([2, ['b dropped']]);
    await until('tried', () => news.includes('a failed'));
    box.close();
    expect(box.waiting).toBe(0);
  });
});

describe('sent', () => {
  const nobody = pino({ level: 'silent' });

  it('by webhook and by mail, and counted', async () => {
    await using catcher = await startCatcher({ host: '127.0.0.1', port: 0, smtpPort: 0 });
    const { registry } = createMetrics(() => null);
    const channels = [
      new Webhook(catcher.webhookUrl),
      new Mail({ url: catcher.smtpUrl, from: 'supervisor@lab.test', to: 'a@lab.test,b@lab.test' }),
    ];
    const notices = new Notices({ ...PARTS, channels, status: () => null, registry, log: nobody });
    try {
      notices.event(chosen);
      notices.event(opened);
      await until('caught', () => catcher.list().length === 2);
      const [webhook, mail] = ['webhook', 'mail'].map((by) => catcher.list().find(({ via }) => via === by)!);
      expect(JSON.parse(webhook!.text)).toMatchObject({ kind: 'failover', from: 'db-1', to: 'db-2', proof });
      const { title, to, text } = mail!;
      expect([title, to]).toEqual([`[replication-lab] ${logged.text}`, 'a@lab.test, b@lab.test']);
      expect(text.replaceAll('\r\n', '\n').trim()).toBe(noticeText(JSON.parse(webhook!.text)).trim());
      const sent = 'supervisor_notices_total{channel="mail",outcome="sent"} 1';
      await until('counted', async () => (await registry.metrics()).includes(sent));
    } finally {
      notices.close();
    }
  });

  it('over TLS only where the catcher has a certificate, and to nobody whose authority is not believed', async () => {
    const host = '127.0.0.1';
    await using authority = await makeAuthority([{ name: 'catcher', addresses: [host] }]);
    const tls = { files: authority.files('catcher'), port: 0 };
    await using catcher = await startCatcher({ host, port: 0, smtpPort: 0, tls });
    const send = async (channel: Channel) => {
      const error = await channel
        .send(failoverNotice(), AbortSignal.timeout(5_000))
        .catch((reason) => reason);
      return String(error?.message ?? 'sent');
    };
    const from = 'supervisor@lab.test';
    expect(await send(new Webhook(`${catcher.url}notices`))).toMatch(/answered 403$/);
    expect(
      await send(new Mail({ url: `${catcher.smtpUrl}?ignoreTLS=true`, from, to: 'a@lab.test' })),
    ).toMatch(/530/);
    const settings = supervisorEnvironment.parse({
      DB_NODES: 'db-1=10.0.0.1:1',
      NOTIFY_WEBHOOK_URL: catcher.webhookUrl,
      NOTIFY_SMTP_URL: `${catcher.smtpUrl}?requireTLS=true`,
      NOTIFY_MAIL_FROM: from,
      NOTIFY_MAIL_TO: 'a@lab.test',
    });
    for (const channel of channelsFrom(settings)) expect(await send(channel)).toMatch(/certificate/);
    expect(catcher.list()).toEqual([]);
    const believedBefore = getCACertificates('default');
    try {
      for (const channel of channelsFrom({ ...settings, NOTIFY_TLS_CA: authority.ca }))
        expect(await send(channel)).toBe('sent');
      // Beside the others, not in their place.
      expect(getCACertificates('default').length).toBeGreaterThan(100);
    } finally {
      setDefaultCACertificates(believedBefore);
    }
    expect(catcher.list().map(({ via }) => via)).toEqual(['mail', 'webhook']);
  });

  it.each([
    [404, PermanentFailure],
    [302, PermanentFailure],
    [503, Error],
    [429, Error],
  ])('a webhook that answers %i', async (status, kind) => {
    const server = createServer((_, response) => response.writeHead(status, { location: '/' }).end()).listen(
      0,
    );
    try {
      await until('listening', () => server.listening);
      const { port } = server.address() as { port: number };
      const sending = new Webhook(`http://localhost:${port}/x`).send(
        failoverNotice(),
        AbortSignal.timeout(5_000),
      );
      const error = await sending.catch((reason: unknown) => reason);
      expect((error as Error).constructor).toBe(kind);
      expect((error as Error).message).toBe(`localhost:${port} answered ${status}`);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe('where they go', () => {
  const settings = (env: object) => supervisorEnvironment.safeParse({ DB_NODES: 'db-1=10.0.0.1:1', ...env });

  it('is nowhere unless it is said', () => {
    expect(settings({}).data).toMatchObject({ NOTIFY_WEBHOOK_URL: '', NOTIFY_SMTP_URL: '' });
    expect(settings({ NOTIFY_WEBHOOK_URL: '' }).success).toBe(true);
    expect(settings({ NOTIFY_WEBHOOK_URL: 'ftp://x' }).success).toBe(false);
  });

  it('takes addresses for mail', () => {
    const NOTIFY_SMTP_URL = 'smtp://mail.test:25';
    const both = { NOTIFY_MAIL_FROM: 'a@b.test', NOTIFY_MAIL_TO: 'c@d.test' };
    expect(settings({ NOTIFY_SMTP_URL }).success).toBe(false);
    expect(settings({ NOTIFY_SMTP_URL, ...both }).success).toBe(true);
  });
});
