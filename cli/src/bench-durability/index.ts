import { withLabOfItsOwn } from '../bench/own-lab.ts';
import { writeResults } from '../bench/results.ts';
import { defaultNativeEngine } from '../native/up.ts';
import { type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { type CostOptions, measureDurabilityCost } from './measure.ts';
import { renderDurabilityCost } from './render.ts';

const FULL = { blocks: 5, commits: 300, watchMs: 20_000 };
/** A smoke run: figures without meaning. */
const QUICK = { blocks: 1, commits: 50, watchMs: 2_000 };

type Options = Partial<Pick<CostOptions, 'engine' | 'blocks' | 'seed'>> & { readonly quick?: boolean };

/** `./lab bench durability`. Results: results/bench-durability/ENGINE.json. */
export async function benchDurability({ options, ...context }: VerbContext<Options>): Promise<ExitCode> {
  const engine = options.engine ?? (await defaultNativeEngine());
  const { blocks, ...rest } = options.quick ? QUICK : FULL;
  const wanted = { engine, seed: options.seed ?? 1, blocks: options.blocks ?? blocks, ...rest };
  const cost = await withLabOfItsOwn(context, () => measureDurabilityCost(wanted, context));
  await writeResults('durability', engine, cost);
  context.out.line(renderDurabilityCost(cost));
  if (context.json) context.out.json(cost);
  return exitCode.done;
}
