import type { ComposeLab } from './compose-lab.ts';
import { docker } from './docker.ts';

/** What each running container uses and may use, by its name. In MB. */
export async function memoryOf(lab: ComposeLab): Promise<Map<string, { usedMb: number; limitMb: number }>> {
  const ids = (await lab.ok(['ps', '--quiet'])).stdout.split('\n').filter(Boolean);
  const { stdout } = await docker(['stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', ...ids]);
  const found = new Map<string, { usedMb: number; limitMb: number }>();
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [name = '', used = '', , limit = ''] = line.split(' ');
    found.set(name, { usedMb: megabytes(used), limitMb: megabytes(limit) });
  }
  return found;
}

export const sumOf = (values: Iterable<number>): number => Math.round([...values].reduce((a, b) => a + b, 0));

/** `123.4MiB` in megabytes. */
function megabytes(text: string): number {
  const [, amount = '0', unit = 'B'] = /^([\d.]+)(\w+)/.exec(text) ?? [];
  const bytes = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit];
  if (bytes === undefined) throw new Error(`docker stats printed ${text}`);
  return (Number(amount) * bytes) / 1e6;
}
