import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REASONS } from '../src/core/types.ts';

it('the runbook explains each reason, and no other', () => {
  const page = readFileSync(new URL('../../../docs/guides/failover.md', import.meta.url), 'utf8');
  const explained = [...page.matchAll(/^\| `([a-z-]+)` \| .+ \| .+ \|$/gm)].map(([, reason]) => reason);
  expect(explained.toSorted()).toEqual(REASONS.toSorted());
});
