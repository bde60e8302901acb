import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOwned } from '../local/layout.ts';
import type { ServerSpec } from '../types.ts';

const HEADER = '# Written by the lab at every boot and by ALTER SYSTEM in between. Do not edit.';

/** What a node keeps from boot to boot: whom it follows, and how late. */
const KEPT = ['primary_conninfo', 'primary_slot_name', 'recovery_min_apply_delay'];

/**
 * The text of postgresql.auto.conf for a closed boot. Of the old text only `KEPT` survives, or nothing with `forget`:
 * everything else that was set there (not read-only, standbys to wait for) belongs to the node's last reign, or came
 * with a copy from another node.
 */
export function closedAutoConf(old: string, options: { readonly forget: boolean }): string {
  const kept = options.forget
    ? []
    : old.split('\n').filter((line) => KEPT.includes(line.split(/[\s=]/, 1)[0] ?? ''));
  return [HEADER, ...kept, "default_transaction_read_only = 'on'", ''].join('\n');
}

/**
 * Makes sure that the next boot is a closed one: a standby, read-only even when it is promoted. Promotion deletes
 * standby.signal, so it is made again at every boot.
 */
export async function closeForBoot(
  spec: ServerSpec,
  data: string,
  options: { readonly forget: boolean },
): Promise<void> {
  const path = join(data, 'postgresql.auto.conf');
  const old = await readFile(path, 'utf8').catch(() => '');
  await writeOwned(spec, `${path}.new`, closedAutoConf(old, options));
  await rename(`${path}.new`, path);
  await writeOwned(spec, join(data, 'standby.signal'), '');
}
