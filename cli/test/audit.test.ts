import { describe, expect, test } from 'vitest';
import { judgeAudit } from '../src/test-run/audit.ts';

const reportOf = (vulnerabilities: Record<string, { severity: string; range: string }>) =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities,
    metadata: { vulnerabilities: { info: 0, total: Object.keys(vulnerabilities).length } },
  });

describe('what npm audit says', () => {
  test('no known weakness, and small ones, pass', () => {
    expect(judgeAudit(reportOf({}))).toEqual({ result: 'passed' });
    expect(judgeAudit(reportOf({ a: { severity: 'moderate', range: '<2' } }))).toEqual({ result: 'passed' });
  });

  test.each(['high', 'critical'])('%s fails, and the package is named', (severity) => {
    const checked = judgeAudit(
      reportOf({ a: { severity: 'low', range: '*' }, bad: { severity, range: '<1.2' } }),
    );
    expect(checked).toMatchObject({
      result: 'failed',
      why: expect.stringContaining(`bad <1.2: ${severity}`),
    });
    expect(checked).not.toMatchObject({ why: expect.stringContaining('a *') });
  });

  test('a registry that gives no audits is no verdict, and its reason is passed on', () => {
    const refused = JSON.stringify({ message: '405 Method Not Allowed', error: { summary: '', detail: '' } });
    expect(judgeAudit(refused)).toEqual({
      result: 'not run',
      why: 'the registry gives no audits: 405 Method Not Allowed',
    });
    expect(judgeAudit('')).toMatchObject({ result: 'not run' });
    expect(judgeAudit('{}')).toMatchObject({ result: 'not run' });
    expect(judgeAudit('<html>')).toMatchObject({ result: 'not run' });
  });
});
