import type { PoolStats, Router } from '@replication-lab/router';
import type { RequestHandler } from 'express';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  /** Requests under way, as admission counts them. */
  readonly inFlight: Gauge;
  /** Times a request from here to its end. */
  readonly observeRequest: RequestHandler;
  /** Stops listening to the router. */
  stop(): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/**
 * What Prometheus sees of this process: its requests, the router's decisions, its pools, and the nodes as the router
 * knows them. Each has its own registry, so that two applications in one process do not mix.
 */
export function createMetrics(router: Pick<Router, 'events' | 'poolStats' | 'topology'>): Metrics {
  const registry = new Registry();
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the end of its response. Status 499: the client left before it.',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests under way, without those for health and metrics.',
    registers: [registry],
  });
  const stopDecisions = countDecisions(registry, router);
  addPoolGauge(registry, router);
  addTopologyGauges(registry, router);

  return {
    registry,
    inFlight,
    observeRequest: (req, res, next) => {
      const end = requests.startTimer();
      res.once('close', () => {
        const status = res.writableFinished ? res.statusCode : 499;
        // The route's template, never the path: ids and scanners' guesses would make endless series.
        end({ method: methodLabel(req.method), route: req.route?.path ?? 'unmatched', status });
      });
      next();
    },
    stop: stopDecisions,
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const methodLabel = (method: string): string => (METHODS.has(method) ? method : 'other');

function countDecisions(registry: Registry, router: Pick<Router, 'events'>): () => void {
  const decisions = new Counter({
    name: 'router_decisions_total',
    help: 'Statements by level, reason, and the node that served them with its role.',
    labelNames: ['level', 'reason', 'node', 'role'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'router_statement_duration_seconds',
    help: 'Time of a statement or transaction, with all its attempts.',
    labelNames: ['level', 'role'],
    buckets: SECONDS,
    registers: [registry],
  });
  return router.events.on('decision', ({ level, reason, node, role, ms }) => {
    decisions.inc({ level, reason, node, role });
    durations.observe({ level, role }, ms / 1000);
  });
}

const POOL_STATES = ['size', 'idle', 'busy', 'waiting'] as const satisfies readonly (keyof PoolStats)[];

function addPoolGauge(registry: Registry, router: Pick<Router, 'poolStats'>): void {
  new Gauge({
    name: 'router_pool_connections',
    help: 'Connections of a pool by state; "waiting" counts callers that wait for one.',
    labelNames: ['node', 'pool', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [node, pools] of Object.entries(router.poolStats())) {
        for (const pool of ['read', 'write'] as const) {
          for (const state of POOL_STATES) this.set({ node, pool, state }, pools[pool][state]);
        }
      }
    },
  });
}

function addTopologyGauges(registry: Registry, router: Pick<Router, 'topology'>): void {
  new Gauge({
    name: 'router_primary_epoch',
    help: "Number of the primary's reign; 0 while there is no primary.",
    registers: [registry],
    collect() {
      const { primary, epoch } = router.topology();
      this.set(primary === null ? 0 : epoch);
    },
  });
  const perNode = (name: string, help: string, value: (node: NodeView) => number | null): void => {
    new Gauge({
      name,
      help,
      labelNames: ['node'],
      registers: [registry],
      collect() {
        this.reset();
        for (const node of router.topology().nodes) {
          const current = value(node);
          if (current !== null) this.set({ node: node.name }, current);
        }
      },
    });
  };
  perNode('router_node_up', 'Whether the node answers.', (node) => Number(node.up));
  perNode('router_node_primary', 'Whether the node says it takes writes.', (node) =>
    Number(node.role === 'primary'),
  );
  perNode('router_node_readable', 'Whether the node is given reads.', (node) =>
    Number(node.excluded === null),
  );
  perNode(
    'router_node_replicating',
    'Whether a replica receives and applies; absent for the primary and while unknown.',
    ({ up, role, probe }) =>
      up && role !== 'primary' && probe?.replicating != null ? Number(probe.replicating) : null,
  );
  perNode(
    'router_node_staleness_seconds',
    'Upper bound of the age of the data; absent while unknown.',
    (node) => (node.stalenessMs === null ? null : node.stalenessMs / 1000),
  );
}

type NodeView = ReturnType<Router['topology']>['nodes'][number];
