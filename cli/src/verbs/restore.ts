import { resolve } from 'node:path';
import {
  discardScratch,
  parseTime,
  type Restored,
  restore as restoreInto,
  type Site,
  type Wanted,
} from '@replication-lab/backup';
import { Option } from 'commander';
import { formatDurationMs } from '../duration.ts';
import { LabError } from '../errors.ts';
import { withBackups } from '../native/backup-session.ts';
import { writeDumpOf } from '../native/dump-session.ts';
import { defineVerb, type ExitCode, exitCode, type VerbContext } from '../verb.ts';

interface RestoreOptions {
  readonly latest?: boolean;
  readonly toTime?: string;
  readonly toPosition?: string;
  readonly backup?: string;
  readonly discard?: boolean;
  readonly dump?: string | true;
  readonly toFile?: string;
}

export const restore = defineVerb<RestoreOptions>({
  name: 'restore',
  summary: 'bring a moment back from the backups, into a scratch node beside the lab',
  details:
    'The lab is not touched: the restored node has an address and a directory of its own, is closed to writes, and stays until\n' +
    '--discard, the next restore or ./lab down. Log since the last archive is archived first, so that the last moments are there.\n' +
    'A time is inclusive, by the clock of the primary: everything committed up to that microsecond (mariadb: that second, whose\n' +
    'log has no finer times). A position (as ./lab status prints it) is exact on every engine. Guide: docs/guides/backups.md',
  options: [
    new Option('--latest', 'as things are now, compared with the lab at the same position'),
    new Option('--to-time <time>', 'for example 2026-11-29T00:30:05.123456Z'),
    new Option('--to-position <position>', 'a GTID set, a GTID list, or TIMELINE/LSN'),
    new Option('--backup <id>', 'from this backup and no other'),
    new Option(
      '--dump [id]',
      'a logical dump (default: the newest), written to the file that --to-file names',
    ),
    new Option('--to-file <path>', 'a new file, for your eyes only: it is not encrypted'),
    new Option('--discard', 'end the scratch node and remove it'),
  ],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { options, out, json } = context;
    const given = (['latest', 'toTime', 'toPosition', 'dump', 'discard'] as const).filter(
      (name) => options[name],
    );
    if (given.length !== 1)
      throw new LabError('usage', 'say one of --latest, --to-time, --to-position, --dump, --discard', null);
    if ((options.dump === undefined) !== (options.toFile === undefined))
      throw new LabError('usage', '--dump and --to-file go together', null);
    if (options.dump && options.toFile) return writeOut(options.dump, resolve(options.toFile), context);
    return withBackups('restore', context, async (site, repository) => {
      if (options.discard) {
        const there = await discardScratch(site);
        if (json) out.json({ discarded: there });
        else out.line(there ? 'The scratch node is gone.' : 'There is no scratch node.');
        return exitCode.done;
      }
      const startedMs = performance.now();
      const restored = await restoreInto(site, repository, {
        wanted: wantedOf(options, site),
        base: options.backup ?? null,
        progress: context.progress,
        signal: context.signal,
      });
      return print(site, restored, performance.now() - startedMs, context);
    });
  },
});

async function writeOut(
  id: string | true,
  file: string,
  context: VerbContext<RestoreOptions>,
): Promise<ExitCode> {
  const { json, out } = context;
  const { dump, loadedWith } = await writeDumpOf(context, id === true ? null : id, file);
  if (json) out.json({ dump, file, loadedWith });
  else {
    out.line(`Dump ${dump.id} of ${dump.node} is in ${file}, ${dump.bytes} bytes, not encrypted any more.`);
    out.line(`  ${dump.verified ? 'it was proved by loading it' : 'NOT PROVED'}; its checksum is as it was`);
    out.line(`  into an empty database: ${loadedWith} ${file}`);
  }
  return exitCode.done;
}

function wantedOf({ toTime, toPosition }: RestoreOptions, { engine }: Site): Wanted {
  if (toTime !== undefined) return { kind: 'time', us: parseTime(toTime) };
  if (toPosition === undefined) return { kind: 'latest' };
  const position = engine.client.positions.parse(toPosition);
  if (position === null || position === '')
    throw new LabError('usage', `that is no position of ${engine.name}: ${toPosition}`, './lab status');
  return { kind: 'position', position };
}

function print(
  { scratch: { node }, engine }: Site,
  restored: Restored,
  tookMs: number,
  { json, out }: VerbContext<RestoreOptions>,
): ExitCode {
  const { base, pieces, reached, damaged, tables, comparison, notCompared, applicationRead } = restored;
  const isGood = applicationRead !== null && (comparison?.differences.length ?? 0) === 0;
  if (json) out.json({ node, tookMs, ...restored });
  else {
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    out.line(
      `Restored in ${formatDurationMs(tookMs)}: ${engine.name} at ${node.host}:${node.port}, closed to writes.`,
    );
    out.line(`  from backup ${base.id} of ${base.node}, and ${pieces} pieces of log`);
    out.line(`  position ${reached}`);
    for (const line of damaged) out.line(`  passed over as damaged: ${line}`);
    out.line(
      `  ${tables.length} tables, ${rows} rows: ${tables.map((t) => `${t.table} ${t.rows}`).join(', ')}`,
    );
    if (comparison === null) out.line(`  not compared: ${notCompared}`);
    else if (comparison.differences.length === 0) out.line('  the same as the lab had at this position');
    else out.line(`  NOT THE SAME as the lab had: ${comparison.differences.join('; ')}`);
    out.line(`  application read: ${applicationRead ?? 'NONE'}`);
    out.line('  ./lab restore --discard removes it');
  }
  return isGood ? exitCode.done : exitCode.failed;
}
