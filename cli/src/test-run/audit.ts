import { dirname } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { repositoryRoot } from '../paths.ts';
import type { Check, Checked } from './checks.ts';

const AUDIT_MS = 60_000;

/** What we read of `npm audit --json`. */
const report = z.object({
  metadata: z.object({ vulnerabilities: z.record(z.string(), z.number()) }),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string().default('') })),
});
const refusal = z.object({ message: z.string() });

const GRAVE: readonly string[] = ['high', 'critical'];

/** What `npm audit --json` printed: known weaknesses of a high or critical kind fail; a registry that gives no audits is no verdict. */
export function judgeAudit(stdout: string): Checked {
  let said: unknown;
  try {
    said = JSON.parse(stdout);
  } catch {
    return { result: 'not run', why: 'npm audit printed no report' };
  }
  const parsed = report.safeParse(said);
  if (!parsed.success) {
    const why = refusal.safeParse(said).data?.message ?? 'npm audit printed no report';
    return { result: 'not run', why: `the registry gives no audits: ${why}` };
  }
  const grave = Object.entries(parsed.data.vulnerabilities).filter(([, { severity }]) =>
    GRAVE.includes(severity),
  );
  if (grave.length === 0) return { result: 'passed' };
  const lines = grave.map(([name, { severity, range }]) => `${name} ${range}: ${severity}`);
  return { result: 'failed', why: `${lines.join('\n')}\nmend: npm audit fix, or another version by hand` };
}

/** The packages that package-lock.json pins, against the registry's list of known weaknesses. */
export const auditPackages: Check = {
  name: 'npm audit',
  async run(signal) {
    const { stdout, code, timedOut } = await execa('npm', ['audit', '--json'], {
      cwd: repositoryRoot,
      env: { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` },
      cancelSignal: signal,
      timeout: AUDIT_MS,
      stdin: 'ignore',
      reject: false,
    });
    signal.throwIfAborted();
    if (code === 'ENOENT') return { result: 'not run', why: 'there is no npm on this machine' };
    if (timedOut) return { result: 'not run', why: `no answer within ${AUDIT_MS / 1000} s` };
    return judgeAudit(stdout);
  },
};
