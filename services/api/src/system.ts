import { ENGINE_NAMES } from '@replication-lab/engines';
import { type NodeView, type Router, RouterError } from '@replication-lab/router';
import express from 'express';
import { z } from 'zod';
import type { Metrics } from './metrics.ts';
import { Problem } from './problems.ts';
import { otherMethods } from './request.ts';

export const topologySchema = z
  .strictObject({
    servedBy: z.string(),
    engine: z.enum(ENGINE_NAMES),
    primary: z.string().nullable(),
    epoch: z.number().int().min(0),
    nodes: z.array(
      z.strictObject({
        name: z.string(),
        address: z.string(),
        role: z.enum(['primary', 'replica', 'unknown']),
        up: z.boolean(),
        readOnly: z.boolean(),
        position: z.string().nullable(),
        stalenessMs: z.number().nullable().meta({ description: 'Upper bound; null while unknown' }),
        epoch: z.number().int().min(0),
        excluded: z
          .string()
          .nullable()
          .meta({ description: 'Why the node is given no reads; null when it is' }),
      }),
    ),
  })
  .meta({ id: 'Topology', description: 'The nodes as the router of this replica sees them' });
export type TopologyBody = z.infer<typeof topologySchema>;

export const healthSchema = z.strictObject({ status: z.enum(['live', 'ready']) }).meta({ id: 'Health' });

export interface SystemDeps {
  readonly router: Pick<Router, 'explain' | 'topology'>;
  readonly metrics: Metrics;
  readonly apiName: string;
  readonly draining: () => boolean;
}

/** What the proxy and Prometheus ask. Never counted against the limit of requests: a busy replica is not a dead one. */
export function healthRoutes({ router, metrics, draining }: SystemDeps): express.Router {
  const routes = express.Router({ caseSensitive: true });
  const getOnly = otherMethods('GET', 'HEAD');
  routes
    .route('/livez')
    .get((_req, res) => {
      res.json({ status: 'live' });
    })
    .all(getOnly);
  routes
    .route('/readyz')
    .get((_req, res) => {
      if (draining()) throw new Problem('shutting-down');
      if (!canRead(router)) throw new Problem('no-node');
      res.json({ status: 'ready' });
    })
    .all(getOnly);
  routes
    .route('/metrics')
    .get(async (_req, res) => {
      res.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    })
    .all(getOnly);
  return routes;
}

/** Writes may be impossible just now: reads still are worth serving, so readiness asks for reads only. */
function canRead(router: Pick<Router, 'explain'>): boolean {
  try {
    router.explain('SELECT 1', { level: 'eventual' });
    return true;
  } catch (error) {
    if (error instanceof RouterError) return false;
    throw error;
  }
}

/** Field by field: what the router comes to know beyond these is not thereby published. */
const toNodeBody = ({
  name,
  address,
  role,
  up,
  readOnly,
  position,
  stalenessMs,
  epoch,
  excluded,
}: NodeView): TopologyBody['nodes'][number] => ({
  name,
  address,
  role,
  up,
  readOnly,
  position,
  stalenessMs,
  epoch,
  excluded,
});

export function topologyRoute({ router, apiName }: SystemDeps): express.Router {
  const routes = express.Router({ caseSensitive: true });
  routes
    .route('/topology')
    .get((_req, res) => {
      const { engine, primary, epoch, nodes } = router.topology();
      const body: TopologyBody = {
        servedBy: apiName,
        engine,
        primary,
        epoch,
        nodes: nodes.map(toNodeBody),
      };
      res.json(body);
    })
    .all(otherMethods('GET', 'HEAD'));
  return routes;
}
