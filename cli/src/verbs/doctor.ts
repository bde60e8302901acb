import type { Colours } from '../colours.ts';
import * as checks from '../doctor/checks.ts';
import { type Check, missing } from '../doctor/types.ts';
import { table } from '../table.ts';
import { defineVerb, exitCode } from '../verb.ts';

export const doctor = defineVerb({
  name: 'doctor',
  summary: 'what is present, what is missing, and the command that would install it',
  details: 'Changes nothing. Exit code 1 when neither runtime could bring a lab up here.',
  printsData: true,
  async run({ out, json }) {
    const found = (
      await Promise.all([
        checks.checkNode(),
        checks.checkMemory(),
        checks.checkDocker(),
        checks.checkEngines(),
        checks.checkHaproxy(),
        checks.checkK6(),
        checks.checkPorts(),
        checks.checkStateDirectory(),
        checks.checkCaps(),
      ])
    ).flat();
    const all = [...found, runtimes(found)];
    if (json) out.json({ checks: all });
    else print(all, out.line, out.colours);
    return all.some(({ status }) => status === 'missing') ? exitCode.failed : exitCode.done;
  },
});

/** Either runtime is enough; native also when root may install what it lacks. */
function runtimes(found: readonly Check[]): Check {
  const isOk = (name: string) => found.some((check) => check.name === name && check.status === 'ok');
  const docker = isOk('docker');
  const installed =
    isOk('haproxy') && found.some((check) => check.name.endsWith(' server') && check.status === 'ok');
  const installable = process.platform === 'linux' && process.getuid?.() === 0;
  const usable = [
    docker && 'docker',
    (installed || installable) && `native${installed ? '' : ' (installs first)'}`,
  ];
  const text = usable.filter((name) => name !== false).join(', ');
  if (text !== '') return { name: 'runtimes', status: 'ok', detail: text, mend: null };
  return missing(
    'runtimes',
    'neither docker nor native can run here',
    'install Docker, or a database server and HAProxy',
  );
}

function print(all: readonly Check[], line: (text: string) => void, pc: Colours): void {
  const mark = { ok: pc.green('ok'), note: pc.yellow('note'), missing: pc.red('MISSING') };
  for (const text of table(
    ['', 'CHECK', 'FOUND'],
    all.map((c) => [mark[c.status], c.name, c.detail]),
  ))
    line(text);
  const mends = all.filter(({ mend, status }) => mend !== null && status !== 'ok');
  if (mends.length === 0) return;
  line('');
  for (const { name, mend } of mends) line(`${name}: ${mend}`);
}
