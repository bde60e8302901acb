import { isDatabase } from '../runtime.ts';
import type { Fault } from './types.ts';

/** SIGKILL: connections break at once, nothing is flushed, nothing says goodbye. The easy failure. */
export const kill: Fault = {
  name: 'kill',
  description: 'the process dies at once (SIGKILL), as in a crash; healing starts it again',
  unsuitable: () => null,
  apply: (lab, part) => lab.kill(part),
  async heal(lab, part, signal) {
    await lab.revive(part, signal);
    // A database boots closed. If it was the primary, somebody has to open one again.
    if (isDatabase(part)) await lab.bootstrap(() => {}, signal);
  },
  async verify(lab, part) {
    const condition = await lab.condition(part);
    return condition === 'down'
      ? { inForce: true, text: `${part} does not run` }
      : { inForce: false, text: `${part} runs` };
  },
};
