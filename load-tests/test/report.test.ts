import { describe, expect, it } from 'vitest';
import { ticks } from '../src/report/charts.ts';
import { renderReport } from '../src/report/html.ts';
import { columns, renderTable } from '../src/table.ts';
import { comparison, throughput } from './records.ts';
import { summaryOf } from './summaries.ts';

const five = summaryOf(comparison([58, 57, 59, 58, 60]), 5);

const VOID = new Set(['meta', '!doctype', 'rect', 'line', 'polyline']);

/** Every tag that opens also closes, in order. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, closing, name] of html.matchAll(/<(\/?)([a-z!][a-z0-9]*)(?:\s[^<>]*)?>/gi)) {
    const tag = name!.toLowerCase();
    if (VOID.has(tag)) continue;
    if (closing === '') open.push(tag);
    else if (open.pop() !== tag) wrong.push(tag);
  }
  return [...wrong, ...open];
}

describe('the report', () => {
  const html = renderReport(five);

  it('is one whole page', () => {
    expect(html.startsWith('<!doctype html>')).toBe(true);
    expect(unbalanced(html)).toEqual([]);
    expect(html.match(/<svg/g)).toHaveLength(5);
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it('needs nothing else: no script, nothing to fetch', () => {
    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|url\(/i);
    const addresses = [...html.matchAll(/https?:\/\/[^"'\s<]+/g)].map(([address]) => address);
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']));
    expect(html).toContain('prefers-color-scheme: dark');
  });

  it('shows text as text', () => {
    expect(html).toContain('10.11.19-MariaDB &lt;b&gt;&amp;&quot;');
  });

  it('holds claims, ratio with interval, anomalies with counts, the bottleneck and the model', () => {
    for (const part of [
      '15,000–50,000',
      '1.93x (1.90 to 2.00)',
      '200 of 1000 (20 %)',
      '0 of 1000 (below 0.3 % at 95 %)',
      'db-2 (serves reads)',
      'model: 2.0',
      'not measured yet: it needs failover drills',
    ]) {
      expect(html).toContain(part);
    }
  });

  it.each([
    ['nothing was measured', summaryOf([], 1)],
    ['no cap was applied', summaryOf(comparison([58]), 1, null)],
    ['a run was rejected', summaryOf([throughput(1, 'single', 30, ['k6 used <85 %> of the machine'])], 1)],
  ])('is whole when %s', (_, summary) => {
    const page = renderReport(summary);
    expect(unbalanced(page)).toEqual([]);
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });
});

describe('the table', () => {
  it('begins with the textbook’s rows and what was measured', () => {
    const table = renderTable(five);
    expect(table).toMatch(
      /Requests a second +500–1,500 +1,500–5,000 +3\.0–3\.3x +32 +61 +1\.91x \(1\.8\d to 1\.\d\d\) at saturation/,
    );
    expect(table).toMatch(/Uptime +99\.5–99\.9 % +99\.9–99\.99 % +– +– +– +not measured yet/);
    expect(table).toMatch(/both replicas 1 s late +session +0 of 1000 \(below 0\.3 % at 95 %\)/);
    expect(table).toMatch(/single +api-1 5 % +db-1 99 %/);
    expect(table).not.toContain('failed their gates');
  });

  it('lists what was rejected', () => {
    const table = renderTable(summaryOf([throughput(1, 'single', 30, ['the machine was only 3 % idle'])], 1));
    expect(table).toContain('block 1, single: throughput: the machine was only 3 % idle');
  });

  it('says that percentiles of few samples are weak', () => {
    expect(renderTable(summaryOf(comparison([58]), 1))).toMatch(/Write p95 .*too few for this percentile/);
  });

  it('stands below each other', () => {
    expect(
      columns([
        ['a', 'bb'],
        ['ccc', '–'],
      ]),
    ).toBe('  a    bb\n  ───  ──\n  ccc  –');
  });
});

describe('an axis', () => {
  it.each([
    [100, [0, 20, 40, 60, 80, 100]],
    [63, [0, 20, 40, 60]],
    [0.7, [0, 0.2, 0.4, 0.6]],
    [0, [0]],
  ])('to %d has round numbers', (max, expected) => {
    expect(ticks(max)).toEqual(expected);
  });
});
