import picocolors from 'picocolors';

export type Colours = ReturnType<typeof picocolors.createColors>;

/** Colours are for a person at a terminal: what goes into a pipe or a file, in CI too, is plain text. */
export const pc: Colours = picocolors.createColors(
  picocolors.isColorSupported && process.stdout.isTTY === true,
);
