import { freeze } from './freeze.ts';
import { kill } from './kill.ts';
import { lag } from './lag.ts';
import { partition } from './partition.ts';
import type { Fault } from './types.ts';

export const faults: readonly Fault[] = [kill, freeze, lag, partition];

export const faultNamed = (name: string): Fault | undefined => faults.find((fault) => fault.name === name);
