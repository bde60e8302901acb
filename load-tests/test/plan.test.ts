import { describe, expect, it } from 'vitest';
import { nameOfStep, planSteps, secondsOfStep } from '../src/plan.ts';
import { profileOf, topRateOf } from '../src/profile.ts';

const quick = profileOf({ quick: true });
const full = profileOf({ quick: false });
const words = (steps: ReturnType<typeof planSteps>) =>
  steps.map(({ block, arm, kind }) => `${block} ${arm} ${kind}`);

describe('the plan', () => {
  it('measures everything in both arms of every block', () => {
    for (const seed of [1, 2, 3, 4]) {
      const steps = planSteps({ ...full, seed });
      for (const arm of ['single', 'replicated'] as const) {
        const of = steps.filter((step) => step.arm === arm);
        expect(of.filter(({ kind }) => kind === 'throughput')).toHaveLength(full.blocks);
        expect(of.filter(({ kind }) => kind === 'latency')).toHaveLength(
          full.blocks * full.latencyShares.length,
        );
      }
      expect(steps.filter(({ kind }) => kind === 'anomalies')).toHaveLength(
        full.blocks * full.lagFaults.length,
      );
    }
  });

  it('knows the single node’s capacity before it offers a share of it', () => {
    for (let seed = 0; seed < 20; seed++) {
      const steps = planSteps({ ...full, seed });
      const capacity = steps.findIndex(({ kind, arm }) => kind === 'throughput' && arm === 'single');
      const latency = steps.findIndex(({ kind }) => kind === 'latency');
      expect(latency).toBeGreaterThan(capacity);
    }
  });

  it('is in the right arm at every step', () => {
    for (let seed = 0; seed < 20; seed++) {
      let arm = '';
      for (const step of planSteps({ ...full, seed })) {
        if (step.kind === 'arm') arm = step.arm;
        expect(step.arm).toBe(arm);
      }
    }
  });

  it('draws the order of the arms from the seed', () => {
    const order = (seed: number) => words(planSteps({ ...full, seed })).join();
    expect(order(5)).toBe(order(5));
    expect(new Set(Array.from({ length: 8 }, (_, seed) => order(seed))).size).toBeGreaterThan(1);
  });

  it('takes about two minutes when quick, and few switches', () => {
    const steps = planSteps(quick);
    const seconds = steps.reduce((sum, step) => sum + secondsOfStep(step, quick), 0);
    expect(seconds).toBeLessThan(125);
    expect(steps.filter(({ kind }) => kind === 'arm')).toHaveLength(2);
  });

  it('names its steps for people', () => {
    expect(planSteps(quick).map((step) => nameOfStep(step, quick))).toContain(
      'replicated: anomalies, lag: both replicas 1 s late',
    );
    expect(nameOfStep({ kind: 'latency', block: 2, arm: 'single', share: 0.5 }, full)).toBe(
      "block 2 of 5, single: latency at 50 % of the single node's capacity",
    );
  });
});

describe('options', () => {
  it('go before the profile’s own figures', () => {
    expect(profileOf({ quick: true, blocks: 3, capCpus: 0.3, seed: 9, users: 500 })).toMatchObject({
      blocks: 3,
      capCpus: 0.3,
      seed: 9,
      users: 500,
    });
    expect(quick).toMatchObject({ blocks: 1, capCpus: 0.2, users: 100_000 });
    expect(full.blocks).toBeGreaterThanOrEqual(5);
  });

  it('the ramp ends far past what two nodes could do, and within reason', () => {
    expect(topRateOf(0.2)).toBe(150);
    expect(topRateOf(2)).toBe(400);
  });
});
