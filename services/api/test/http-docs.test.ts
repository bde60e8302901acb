import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROBLEMS } from '../src/problems.ts';

test('docs/reference/http-api.md lists every problem as the table has it', () => {
  const page = readFileSync(new URL('../../../docs/reference/http-api.md', import.meta.url), 'utf8');
  for (const [code, kind] of Object.entries(PROBLEMS)) {
    const retry = 'retryAfterS' in kind ? ' yes' : '';
    expect(page).toContain(`| ${kind.status} | \`${code}\` | ${kind.title} |${retry} |`);
  }
});
