import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { defaultNativeEngine } from '../native/up.ts';
import { repositoryRoot, stateDirectory } from '../paths.ts';
import { readState } from '../state.ts';
import { takeDown } from '../take-down.ts';
import { type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { type CostOptions, measureDurabilityCost } from './measure.ts';
import { renderDurabilityCost } from './render.ts';

const FULL = { blocks: 5, commits: 300, watchMs: 20_000 };
/** A smoke run: figures without meaning. */
const QUICK = { blocks: 1, commits: 50, watchMs: 2_000 };

type Options = Partial<Pick<CostOptions, 'engine' | 'blocks' | 'seed'>> & { readonly quick?: boolean };

/** `./lab bench durability`. Results: results/bench-durability/ENGINE.json. */
export async function benchDurability({ options, ...context }: VerbContext<Options>): Promise<ExitCode> {
  if ((await readState(stateDirectory())) !== null) {
    const mend = './lab down first, or another LAB_STATE_DIR';
    throw new LabError('lab-is-up', 'this measurement needs a lab of its own, and one is up', mend);
  }
  const engine = options.engine ?? (await defaultNativeEngine());
  const { blocks, ...rest } = options.quick ? QUICK : FULL;
  const wanted = { engine, seed: options.seed ?? 1, blocks: options.blocks ?? blocks, ...rest };
  try {
    const cost = await measureDurabilityCost(wanted, context);
    const directory = join(repositoryRoot, 'results/bench-durability');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, `${engine}.json`), `${JSON.stringify(cost, null, 2)}\n`);
    context.out.line(renderDurabilityCost(cost));
    if (context.json) context.out.json(cost);
    return exitCode.done;
  } finally {
    await takeDown({ volumes: false }, { ...context, signal: AbortSignal.timeout(60_000) });
  }
}
