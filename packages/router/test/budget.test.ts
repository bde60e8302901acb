import { expect, test } from 'vitest';
import { PrimaryBudget } from '../src/budget.ts';

const takes = (budget: PrimaryBudget, session: string, nowMs: number, times: number): number =>
  Array.from({ length: times }, () => budget.take(session, nowMs)).filter(Boolean).length;

test('one session cannot use up what the others need', () => {
  const budget = new PrimaryBudget({ perSecond: 100, perSessionPerSecond: 10, sessions: 50 });
  expect(takes(budget, 'greedy', 0, 1_000)).toBe(10);
  expect(takes(budget, 'modest', 0, 5)).toBe(5);
  expect(takes(budget, 'greedy', 500, 1_000)).toBe(5);
});

test('all sessions together are bounded, and the share comes back with time', () => {
  const budget = new PrimaryBudget({ perSecond: 100, perSessionPerSecond: 10, sessions: 1_000 });
  const all = (nowMs: number) =>
    Array.from({ length: 50 }, (_, i) => takes(budget, `s${i}`, nowMs, 10)).reduce((a, b) => a + b, 0);
  expect(all(0)).toBe(100);
  expect(all(0)).toBe(0);
  expect(all(250)).toBe(25);
  expect(all(60_000)).toBe(100);
});

test('what is refused is not counted', () => {
  const budget = new PrimaryBudget({ perSecond: 10, perSessionPerSecond: 1, sessions: 10 });
  expect(takes(budget, 'a', 0, 100)).toBe(1);
  expect(takes(budget, 'b', 0, 1) + takes(budget, 'c', 0, 1)).toBe(2);
});

test('remembers a bounded number of sessions', () => {
  const budget = new PrimaryBudget({ perSecond: 1e6, perSessionPerSecond: 1, sessions: 100 });
  for (let i = 0; i < 10_000; i++) budget.take(`s${i}`, i);
  expect(budget.size).toBe(100);
});
