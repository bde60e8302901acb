import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { EVIDENCE } from './core/evidence.ts';
import type { Step } from './core/types.ts';
import type { SupervisorEvent } from './events.ts';

export interface Metrics {
  readonly registry: Registry;
  /** Counts what an event tells. */
  observe(event: SupervisorEvent): void;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30];
const ORDER_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 60, 600];

/**
 * What Prometheus sees of this process. Two or three supervisors run, and one acts: of gauges take the maximum over them, of
 * counters the sum. `nodejs_eventloop_lag_*` is the process's own delay: a late supervisor trusts no silence.
 */
export function createMetrics(status: () => Step | null): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addStatus(registry, status);
  return { registry, observe: countEvents(registry) };
}

const isActing = (step: Step): boolean => step.state.phase !== 'passive' && step.state.phase !== 'unfounded';

function addStatus(registry: Registry, status: () => Step | null): void {
  const gauge = (name: string, help: string, value: (step: Step) => number): void => {
    const read = (g: Gauge) => {
      const step = status();
      g.set(step === null ? 0 : value(step));
    };
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        read(this);
      },
    });
  };
  gauge(
    'supervisor_acting',
    'Whether this supervisor acts: it holds the locks of a majority of nodes.',
    (s) => Number(isActing(s)),
  );
  gauge(
    'supervisor_armed',
    'Whether this supervisor acts, the primary is open, and its death would be answered by a failover.',
    (s) => Number(s.state.phase === 'watching' && s.unarmed.length === 0),
  );
  gauge('supervisor_epoch', "Number of the newest primary's reign; 0 before the first.", (s) => s.epoch);
  const labelled = (name: string, help: string, label: string, values: (step: Step) => readonly string[]) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        const step = status();
        for (const value of step ? values(step) : []) this.set({ [label]: value }, 1);
      },
    });
  labelled('supervisor_phase', '1 for the phase that this supervisor is in.', 'phase', (s) => [
    s.state.phase,
  ]);
  labelled(
    'supervisor_unarmed_reason',
    '1 for each reason why a failover would not succeed now.',
    'reason',
    (s) => s.unarmed.map(({ reason }) => reason),
  );
}

function countEvents(registry: Registry): Metrics['observe'] {
  const registers = [registry];
  const failovers = new Counter({
    name: 'supervisor_failovers_total',
    help: 'Primaries opened by this supervisor in place of one that was gone, by the evidence of that.',
    labelNames: ['evidence'],
    registers,
  });
  // There from the beginning: of a series that begins with 1 Prometheus sees no increase.
  for (const evidence of EVIDENCE) failovers.inc({ evidence }, 0);
  const cancelled = new Counter({
    name: 'supervisor_suspicions_cancelled_total',
    help: 'Suspected primaries that answered again before a successor was chosen.',
    registers,
  });
  const refusals = new Counter({
    name: 'supervisor_refusals_total',
    help: 'Failovers that were needed and not made, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const detections = new Histogram({
    name: 'supervisor_detection_duration_seconds',
    help: 'From the first failed question to the certainty that the primary is gone.',
    buckets: SECONDS,
    registers,
  });
  const promotions = new Histogram({
    name: 'supervisor_promotion_duration_seconds',
    help: 'From that certainty to the new primary open to clients.',
    buckets: SECONDS,
    registers,
  });
  const outages = new Histogram({
    name: 'supervisor_outage_duration_seconds',
    help: 'From the first failed question to the new primary open to clients.',
    buckets: SECONDS,
    registers,
  });
  const orders = new Histogram({
    name: 'supervisor_order_duration_seconds',
    help: 'Time of orders to nodes, by what was ordered and what became of it.',
    labelNames: ['order', 'outcome'],
    buckets: ORDER_SECONDS,
    registers,
  });
  return (event) => {
    if (event.what === 'order') {
      orders.observe({ order: event.action.do, outcome: event.outcome }, event.ms / 1000);
    } else if (event.what === 'phase' && event.to === 'refusing') {
      for (const reason of new Set(event.reasons)) refusals.inc({ reason });
    } else if (event.what === 'cleared') cancelled.inc();
    else if (event.what === 'confirmed') detections.observe(event.afterMs / 1000);
    else if (event.what === 'opened' && event.from !== null) {
      failovers.inc({ evidence: event.evidence ?? 'unseen' });
      if (event.promotionMs !== null) promotions.observe(event.promotionMs / 1000);
      if (event.outageMs !== null) outages.observe(event.outageMs / 1000);
    }
  };
}
