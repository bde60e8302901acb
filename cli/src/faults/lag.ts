import { isDatabase } from '../runtime.ts';
import type { Fault } from './types.ts';

export const DEFAULT_LAG_SECONDS = 5;

/** The replica receives everything and holds each transaction back before it applies it: lag of an exact size. */
export const lag: Fault = {
  name: 'lag',
  description: 'a replica applies every transaction some seconds late (--by), so that its reads are stale',
  unsuitable: (part) => (isDatabase(part) ? null : `only a database can lag, and ${part} is none`),
  apply: (lab, part, settings) => lab.setApplyDelay(part, settings.seconds ?? DEFAULT_LAG_SECONDS),
  heal: (lab, part) => lab.setApplyDelay(part, 0),
  async verify(lab, part) {
    const seconds = await lab.applyDelaySeconds(part);
    return seconds > 0
      ? { inForce: true, text: `${part} applies each transaction ${seconds} s late` }
      : { inForce: false, text: `${part} applies without delay` };
  },
};
