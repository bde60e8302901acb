import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Step } from '../src/core/types.ts';
import { createStatusServer } from '../src/http.ts';
import { createMetrics } from '../src/metrics.ts';
import { play, seen, silentSince } from './world.ts';

/** The samples of one metric (buckets left out), as Prometheus would read them. */
const samples = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(name) && !line.includes('_bucket'));

async function scrape(step: Step | null) {
  return createMetrics(() => step).registry.metrics();
}

describe('metrics of a supervisor', () => {
  it('say whether it acts and is armed, in which phase and reign', async () => {
    const text = await scrape(play([[0, seen()]]));
    expect(samples(text, 'supervisor_acting ')).toEqual(['supervisor_acting 1']);
    expect(samples(text, 'supervisor_armed ')).toEqual(['supervisor_armed 1']);
    expect(samples(text, 'supervisor_epoch ')).toEqual(['supervisor_epoch 1']);
    expect(samples(text, 'supervisor_phase')).toEqual(['supervisor_phase{phase="watching"} 1']);
    expect(samples(text, 'supervisor_unarmed_reason')).toEqual([]);
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  it('name the reasons for which a failover would not succeed', async () => {
    const text = await scrape(play([[0, seen({ 'db-3': silentSince(0) })]]));
    expect(samples(text, 'supervisor_armed ')).toEqual(['supervisor_armed 0']);
    expect(samples(text, 'supervisor_unarmed_reason')).toEqual([
      'supervisor_unarmed_reason{reason="voter-silent"} 1',
    ]);
  });

  it('are all there before the first step', async () => {
    const text = await scrape(null);
    expect(samples(text, 'supervisor_acting ')).toEqual(['supervisor_acting 0']);
    expect(samples(text, 'supervisor_armed ')).toEqual(['supervisor_armed 0']);
  });

  it('count failovers, cancelled suspicions, refusals and orders', async () => {
    const { registry, observe } = createMetrics(() => null);
    const primary = { primary: 'db-1', epoch: 1 };
    const opened = { what: 'opened', node: 'db-2', epoch: 2, outageMs: 900, promotionMs: 400 } as const;
    observe({ what: 'cleared', ...primary, afterMs: 100 });
    observe({ what: 'confirmed', ...primary, evidence: 'hard', afterMs: 500 });
    observe({ ...opened, from: 'db-1', evidence: 'hard' });
    observe({ ...opened, from: null, evidence: null });
    observe({
      ...{ what: 'phase', from: 'looking', to: 'refusing', ...primary, why: [] },
      reasons: ['voter-silent', 'voter-silent', 'never-armed'],
    });
    const action = { do: 'promote', node: 'db-2', epoch: 2 } as const;
    observe({ what: 'order', node: 'db-2', action, outcome: 'failed', ms: 20, error: 'no' });
    const text = await registry.metrics();
    expect(samples(text, 'supervisor_failovers_total')).toEqual([
      'supervisor_failovers_total{evidence="hard"} 1',
      ...['soft', 'closed', 'fenced', 'locked', 'gray'].map(
        (by) => `supervisor_failovers_total{evidence="${by}"} 0`,
      ),
    ]);
    expect(samples(text, 'supervisor_suspicions_cancelled_total')).toEqual([
      'supervisor_suspicions_cancelled_total 1',
    ]);
    expect(samples(text, 'supervisor_refusals_total')).toEqual([
      'supervisor_refusals_total{reason="voter-silent"} 1',
      'supervisor_refusals_total{reason="never-armed"} 1',
    ]);
    expect(samples(text, 'supervisor_order_duration_seconds')).toEqual([
      'supervisor_order_duration_seconds_sum{order="promote",outcome="failed"} 0.02',
      'supervisor_order_duration_seconds_count{order="promote",outcome="failed"} 1',
    ]);
    expect(samples(text, 'supervisor_detection_duration_seconds_sum')).toEqual([
      'supervisor_detection_duration_seconds_sum 0.5',
    ]);
    expect(samples(text, 'supervisor_promotion_duration_seconds_sum')).toEqual([
      'supervisor_promotion_duration_seconds_sum 0.4',
    ]);
    expect(samples(text, 'supervisor_outage_duration_seconds_sum')).toEqual([
      'supervisor_outage_duration_seconds_sum 0.9',
    ]);
  });

  it('are served to the holder of the token', async () => {
    const events = () => ({ name: '', bootId: '', next: 0, missed: 0, events: [] });
    const metrics = createMetrics(() => null).registry;
    const switchover = () => Promise.reject(new Error('not asked for'));
    const parts = { name: 'supervisor-1', token: 'a-token-of-the-test', status: () => null, events, metrics };
    const override = switchover;
    const server = createStatusServer({ ...parts, switchover, override }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
      const response = await fetch(url, { headers: { Authorization: `Bearer ${parts.token}` } });
      expect(response.headers.get('content-type')).toBe(metrics.contentType);
      expect(await response.text()).toContain('# TYPE supervisor_failovers_total counter');
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
