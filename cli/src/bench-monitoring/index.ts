import type { EngineName } from '@replication-lab/engines';
import { withLabOfItsOwn } from '../bench/own-lab.ts';
import { writeResults } from '../bench/results.ts';
import { monitoringNeed } from '../native/monitoring.ts';
import { ensurePackages } from '../native/packages.ts';
import { defaultNativeEngine } from '../native/up.ts';
import { type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { measureMonitoringCost } from './measure.ts';
import { renderMonitoringCost } from './render.ts';

const FULL = { blocks: 8, windowSeconds: 15 };
/** A smoke run: figures without meaning. */
const QUICK = { blocks: 1, windowSeconds: 9 };

interface Options {
  readonly engine?: EngineName;
  readonly blocks?: number;
  readonly seed?: number;
  readonly quick?: boolean;
}

/** `./lab bench monitoring`. Results: results/bench-monitoring/ENGINE.json. */
export async function benchMonitoring({ options, ...context }: VerbContext<Options>): Promise<ExitCode> {
  const engine = options.engine ?? (await defaultNativeEngine());
  const profile = options.quick ? QUICK : FULL;
  const wanted = { ...profile, engine, seed: options.seed ?? 1, blocks: options.blocks ?? profile.blocks };
  await ensurePackages([monitoringNeed], context);
  const cost = await withLabOfItsOwn(context, () => measureMonitoringCost(wanted, context));
  await writeResults('monitoring', engine, cost);
  context.out.line(renderMonitoringCost(cost));
  if (context.json) context.out.json(cost);
  return exitCode.done;
}
