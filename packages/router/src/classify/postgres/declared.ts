import type { Context } from './checks.ts';

const contexts = new WeakMap<readonly string[], Context>();

/** What the user has declared, ready to be asked. Kept per list, so lists must not change once they are used. */
export function contextFor(safeFunctions: readonly string[]): Context {
  const known = contexts.get(safeFunctions);
  if (known) return known;
  // In a statement a name without quotes arrives in lower case, one with quotes as it is: both spellings count.
  const names = new Set(safeFunctions.flatMap((name) => [name, name.toLowerCase()]));
  const context: Context = {
    // A dot inside a quoted name would make it look like another's schema.
    declared: (parts) => parts.every((part) => !part.includes('.')) && names.has(parts.join('.')),
  };
  contexts.set(safeFunctions, context);
  return context;
}
