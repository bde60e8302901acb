import type { EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { writeResults } from '../bench/results.ts';
import { LabError } from '../errors.ts';
import { asLabErrors, backupNeeds } from '../native/backups.ts';
import { serverNeed } from '../native/needs.ts';
import { ensurePackages } from '../native/packages.ts';
import { defaultNativeEngine } from '../native/up.ts';
import { type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { measureCost } from './cost.ts';
import { measureGigabyte } from './gigabyte.ts';
import { measurePitr } from './pitr.ts';
import { renderBenchBackup } from './render.ts';
import { type BenchBackup, PARTS, type Part } from './types.ts';

interface Options {
  readonly engine?: EngineName;
  readonly only?: string;
  readonly trials?: number;
  readonly blocks?: number;
  readonly seed?: number;
}

/** `./lab bench backup`. Results: results/bench-backup/ENGINE.json. Exit 1 when a restore was not exact. */
export async function benchBackup(context: VerbContext<Options>): Promise<ExitCode> {
  const { options, out, json } = context;
  const engine = options.engine ?? (await defaultNativeEngine());
  const parts = parseParts(options.only);
  const server = engine === 'mysql' ? [] : [serverNeed(engineOf(engine))];
  await ensurePackages([...server, ...backupNeeds('postgres').slice(0, 1)], context);
  if (engine !== 'mysql') await ensurePackages(backupNeeds(engine), context);
  const { trials = 20, blocks = 6, seed = 1 } = options;
  const bench: BenchBackup = await asLabErrors(async () => ({
    engine,
    seed,
    pitr: parts.includes('pitr') ? await measurePitr(engine, { trials, seed }, context) : null,
    cost: parts.includes('cost') ? await measureCost(engine, 'copy', { blocks, seed }, context) : null,
    proof: parts.includes('proof') ? await measureCost(engine, 'proof', { blocks, seed }, context) : null,
    gigabyte: parts.includes('gigabyte') ? await measureGigabyte(engine, context) : null,
  }));
  await writeResults('backup', `${engine}-${parts.join('-')}`, bench);
  out.line(renderBenchBackup(bench));
  if (json) out.json(bench);
  const wrong = bench.pitr?.trials.some(({ missing, extra, different }) => missing + extra + different > 0);
  return wrong || (bench.pitr?.failed ?? 0) > 0 ? exitCode.failed : exitCode.done;
}

function parseParts(text: string | undefined): readonly Part[] {
  if (text === undefined) return PARTS;
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !PARTS.includes(name as Part));
  if (unknown.length > 0)
    throw new LabError('usage', `there is no ${unknown.join(', ')}`, `--only ${PARTS.join(',')}`);
  return PARTS.filter((part) => wanted.includes(part));
}
