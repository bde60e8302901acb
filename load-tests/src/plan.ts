import { randomOf } from '../scenarios/lib/random.ts';
import type { Arm } from './lab-under-test.ts';
import { ARMS, type LagFault, type Profile } from './profile.ts';
import { shuffled } from './statistics.ts';

export type Step =
  /** Brings the lab into the arm, warms it up without a cap, and caps it. */
  | { readonly kind: 'arm'; readonly block: number; readonly arm: Arm }
  | { readonly kind: 'throughput'; readonly block: number; readonly arm: Arm }
  | { readonly kind: 'latency'; readonly block: number; readonly arm: Arm; readonly share: number }
  | {
      readonly kind: 'anomalies';
      readonly block: number;
      readonly arm: 'replicated';
      readonly fault: LagFault;
    };

/**
 * All steps in order. Both arms in every block, in an order drawn from the seed, so that a machine that grows slower or
 * faster over the hour favours neither. Latency is measured at shares of the single arm's capacity, at the same
 * absolute rates in both arms: where the first block begins with `replicated`, that capacity is not known yet, and its
 * latency is measured on a second visit.
 */
export function planSteps(profile: Profile): Step[] {
  const random = randomOf(profile.seed, 0);
  const steps: Step[] = [];
  let capacityKnown = false;
  for (let block = 1; block <= profile.blocks; block++) {
    const owed: Arm[] = [];
    for (const arm of shuffled(ARMS, random)) {
      steps.push({ kind: 'arm', block, arm }, { kind: 'throughput', block, arm });
      capacityKnown ||= arm === 'single';
      if (capacityKnown) steps.push(...latencySteps(profile, block, arm));
      else owed.push(arm);
      if (arm === 'replicated') {
        steps.push(...profile.lagFaults.map((fault) => ({ kind: 'anomalies', block, arm, fault }) as const));
      }
    }
    for (const arm of owed) steps.push({ kind: 'arm', block, arm }, ...latencySteps(profile, block, arm));
  }
  return steps;
}

const latencySteps = (profile: Profile, block: number, arm: Arm): Step[] =>
  profile.latencyShares.map((share) => ({ kind: 'latency', block, arm, share }) as const);

/** Starting k6, its `setup` and its last requests. */
const K6_OVERHEAD_SECONDS = 1.5;
const ARM_SECONDS = 6;
const LAG_SECONDS = 2;

/** About how long a step takes, for the line that says how long is left. */
export function secondsOfStep(step: Step, profile: Profile): number {
  switch (step.kind) {
    case 'arm':
      return ARM_SECONDS + profile.warmUpSeconds + K6_OVERHEAD_SECONDS;
    case 'throughput':
      return profile.rampSeconds + profile.holdSeconds + K6_OVERHEAD_SECONDS;
    case 'latency':
      return profile.latencySeconds + K6_OVERHEAD_SECONDS;
    case 'anomalies': {
      const { lagSeconds, durationSeconds } = step.fault;
      return durationSeconds + K6_OVERHEAD_SECONDS + (lagSeconds > 0 ? LAG_SECONDS + lagSeconds : 0);
    }
  }
}

/** `block 1 of 5, replicated: throughput`. */
export function nameOfStep(step: Step, profile: Profile): string {
  const what = {
    arm: () => 'switching and warming up',
    throughput: () => 'throughput',
    latency: () =>
      `latency at ${Math.round((step as { share: number }).share * 100)} % of the single node's capacity`,
    anomalies: () => `anomalies, lag: ${(step as { fault: LagFault }).fault.name}`,
  }[step.kind]();
  const block = profile.blocks > 1 ? `block ${step.block} of ${profile.blocks}, ` : '';
  return `${block}${step.arm}: ${what}`;
}
