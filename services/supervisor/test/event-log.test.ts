import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../src/event-log.ts';
import type { EventPage, SupervisorEvent } from '../src/events.ts';
import { createStatusServer } from '../src/http.ts';

const armed = (epoch: number): SupervisorEvent => ({ what: 'armed', epoch });
const order = (outcome: 'done' | 'failed', verb: 'detach' | 'lock' = 'detach'): SupervisorEvent => ({
  ...{ what: 'order', node: 'db-2', action: { do: verb, node: 'db-2' }, outcome, ms: 3.4 },
  error: outcome === 'failed' ? 'no answer' : null,
});

describe('the event log', () => {
  it('numbers the events, and answers those after a number', () => {
    const log = new EventLog('supervisor-1');
    const before = Date.now();
    log.add(armed(1));
    log.add(order('done'), 5_000);
    const page = log.after(1);
    expect(page).toMatchObject({ name: 'supervisor-1', next: 2, missed: 0 });
    expect(page.events).toMatchObject([{ seq: 2, what: 'order', text: 'detach db-2: done in 3 ms' }]);
    expect(Date.parse(page.events[0]!.at)).toBeLessThan(before - 4_000);
    expect(log.after(2)).toMatchObject({ next: 2, events: [] });
  });

  it('keeps the newest 512, and says how many were missed', () => {
    const log = new EventLog('supervisor-1');
    for (let epoch = 1; epoch <= 600; epoch++) log.add(armed(epoch));
    const { events, missed, next } = log.after(50);
    expect([events.length, missed, next, events[0]!.seq]).toEqual([512, 38, 600, 89]);
  });

  it('leaves out tries for locks, and a failure that was told just now', () => {
    const log = new EventLog('supervisor-1');
    expect(log.add(order('done', 'lock'))).toBeNull();
    expect(log.add(order('failed'))).not.toBeNull();
    expect(log.add(order('failed'))).toBeNull();
    expect(log.add(order('done'))).not.toBeNull();
  });
});

describe('GET /events', () => {
  it('is for the holder of the token', async () => {
    const log = new EventLog('supervisor-1');
    log.add(armed(1));
    const token = 'a-token-of-the-test';
    const parts = {
      name: 'supervisor-1',
      token,
      status: () => null,
      events: (seq: number) => log.after(seq),
      metrics: new Registry(),
      switchover: () => Promise.reject(new Error('not asked for')),
      override: () => Promise.reject(new Error('nobody asks')),
    };
    const server = createStatusServer(parts).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
      const headers = { Authorization: `Bearer ${token}` };
      expect((await fetch(url)).status).toBe(401);
      const all = (await (await fetch(url, { headers })).json()) as EventPage;
      expect(all).toMatchObject({ name: 'supervisor-1', next: 1, events: [{ seq: 1, what: 'armed' }] });
      expect(all.bootId).toMatch(/^[0-9a-f-]{36}$/);
      const none = await fetch(`${url}?after=1`, { headers });
      expect(await none.json()).toMatchObject({ next: 1, events: [] });
      const wrong = await fetch(`${url}?after=-1`, { headers });
      expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 'invalid-after' }]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
