import type { Fault } from './types.ts';

/**
 * Every process of the part stops in its tracks. The kernel still accepts connections and answers keep-alives for it,
 * so only deadlines find it out: the hard, grey failure.
 */
export const freeze: Fault = {
  name: 'freeze',
  description: 'all its processes stop in their tracks and keep their connections, as in a hung host',
  unsuitable: () => null,
  apply: (lab, part) => lab.freeze(part),
  heal: (lab, part) => lab.thaw(part),
  async verify(lab, part) {
    const condition = await lab.condition(part);
    return { inForce: condition === 'frozen', text: `${part} is ${condition}` };
  },
};
