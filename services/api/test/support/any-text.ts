import fc from 'fast-check';

/** Any sequence of code points, lone surrogates and control characters too. (`unit: 'binary'` takes seconds to begin.) */
export const anyText = (maxChars: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10ffff })), {
      maxLength: maxChars,
    })
    .map((codePoints) => String.fromCodePoint(...codePoints));
