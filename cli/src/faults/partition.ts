import { isDatabase } from '../runtime.ts';
import type { Fault } from './types.ts';

/** No packet comes through between the node's host and any other part: the node lives on, and knows of nobody. Docker only. */
export const partition: Fault = {
  name: 'partition',
  description: "a node's host is cut off from all others; its processes live on (docker)",
  unsuitable: (part) =>
    isDatabase(part) ? null : `only a database's host can be cut off, and ${part} is none`,
  apply: (lab, part) =>
    lab.cutOff(part, { from: lab.parts.filter((other) => other !== part), direction: 'both', share: 1 }),
  heal: (lab, part) => lab.reconnect(part),
  async verify(lab, part) {
    return (await lab.isCutOff(part))
      ? { inForce: true, text: `${part} is cut off` }
      : { inForce: false, text: `packets of ${part} come through` };
  },
};
