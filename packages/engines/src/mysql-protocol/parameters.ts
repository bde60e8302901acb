import type { SqlValue } from '../types.ts';

type Driver = typeof import('mysql2');
type Typed = ReturnType<Driver['TypedParameter']['BIGINT']>;

/**
 * How values are handed to the driver. Whole numbers are sent as integers: left to itself the driver sends a JavaScript number
 * as DOUBLE, which MySQL refuses in `LIMIT ?`.
 */
export function parametersFor({ TypedParameter }: Driver): (value: SqlValue) => SqlValue | Typed {
  const bigint = constructorOf(TypedParameter.BIGINT(7)) ?? TypedParameter.BIGINT;
  return (value) => {
    if (Array.isArray(value)) {
      // The driver would make one text of it, and `IN (?)` would quietly find nothing.
      throw new TypeError('a parameter cannot be a list: write IN (?, ?, ?) with a value for each');
    }
    if (value === undefined || typeof value === 'function') {
      throw new TypeError(
        `a parameter cannot be ${value === undefined ? 'undefined: for NULL pass null' : 'a function'}`,
      );
    }
    if (typeof value === 'number') return Number.isSafeInteger(value) ? bigint(BigInt(value)) : value;
    return typeof value === 'bigint' ? TypedParameter.BIGINT(value) : value;
  };
}

/**
 * The driver's factory checks its argument's range with several new BigInts, which takes longer than all the rest of sending
 * a lookup by key; safe integers need no check. Null where the driver is another than we think.
 */
function constructorOf(seven: Typed): ((value: bigint) => Typed) | null {
  const Constructor = seven.constructor as new (type: number, value: bigint, unsigned: boolean) => Typed;
  const { type } = seven as unknown as { type: number };
  const same = new Constructor(type, 7n, false);
  const isSame = JSON.stringify(same, plain) === JSON.stringify(seven, plain);
  return isSame ? (value) => new Constructor(type, value, false) : null;
}

const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
