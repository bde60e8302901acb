import { Option } from 'commander';
import { withLock } from '../lock.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import type { Certificate } from '../runtime.ts';
import { requireState } from '../state.ts';
import { table } from '../table.ts';
import { defineVerb, exitCode } from '../verb.ts';

const DAY_MS = 86_400_000;
const LOCK_WAIT_MS = 120_000;

export const certs = defineVerb<{ renew?: boolean }>({
  name: 'certs',
  summary: 'the certificates of the lab, and how long they are good',
  details:
    'They are made at the first ./lab up, by an authority of the lab itself, and renewed by a later one in the last third of\n' +
    'their 30 days. --renew makes all anew now, and has the servers take them: no connection ends, no request fails.',
  printsData: true,
  options: [new Option('--renew', 'make all anew')],
  async run({ options, out, json, progress, signal }) {
    const stateDir = stateDirectory();
    const lab = openRuntime(stateDir, await requireState(stateDir));
    // Never two at once, nor beside an `up` or a `down`.
    const lock = { name: 'lab', purpose: 'certs', waitMs: LOCK_WAIT_MS, signal };
    const onWait = (holder: string) => progress(`waiting for ${holder}`);
    if (options.renew) await withLock(stateDir, { ...lock, onWait }, () => lab.renewCertificates(progress));
    const certificates = await lab.certificates();
    if (json) out.json(certificates);
    else out.line(render(certificates, new Date()));
    return certificates.some(({ end }) => end === null) ? exitCode.failed : exitCode.done;
  },
});

export function render(certificates: readonly Certificate[], now: Date): string {
  const rows = certificates.map(({ file, commonName, addresses, end }) => [
    file,
    commonName,
    addresses.join(', ') || (file.startsWith('public') ? 'signing' : 'a client'),
    end ? end.toISOString().slice(0, 10) : 'missing',
    end ? String(Math.floor((end.getTime() - now.getTime()) / DAY_MS)) : '',
  ]);
  return table(['FILE', 'NAME', 'GOOD FOR', 'UNTIL', 'DAYS LEFT'], rows).join('\n');
}
