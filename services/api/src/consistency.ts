import { Problem } from './problems.ts';

/** What a request may ask of a read. `delayed` and `version` are recipes of this service (`levels.ts`). */
export type RequestedLevel =
  | { readonly kind: 'eventual' }
  | { readonly kind: 'bounded'; readonly maxStalenessMs: number }
  | { readonly kind: 'session' }
  | { readonly kind: 'primary' }
  | { readonly kind: 'delayed'; readonly delayMs: number }
  | { readonly kind: 'version'; readonly min: number };

export const MAX_DELAY_MS = 2000;
export const MAX_STALENESS_MS = 3_600_000;
const MAX_VERSION = 2_147_483_647;
const MAX_HEADER_CHARS = 100;

/** Each level's one parameter, or none: its name and bounds. */
const LEVELS = {
  eventual: null,
  bounded: { name: 'max-staleness', min: 0, max: MAX_STALENESS_MS },
  session: null,
  primary: null,
  delayed: { name: 'ms', min: 0, max: MAX_DELAY_MS },
  version: { name: 'min', min: 1, max: MAX_VERSION },
} as const;
type LevelName = keyof typeof LEVELS;

const usage = Object.entries(LEVELS)
  .map(([name, parameter]) => (parameter ? `${name}; ${parameter.name}=N` : name))
  .join(', ');

/**
 * Reads the `Consistency-Level` header; without one, `session`.
 * @throws Problem `invalid-consistency-level`
 */
export function parseConsistencyLevel(header: string | undefined): RequestedLevel {
  if (header === undefined) return { kind: 'session' };
  if (header.length > MAX_HEADER_CHARS) throw invalid(`it is longer than ${MAX_HEADER_CHARS} characters`);
  const [nameText = '', parameterText, ...rest] = header.split(';').map((part) => part.trim());
  const name = nameText.toLowerCase();
  if (!isLevel(name)) throw invalid(`use one of: ${usage}`);
  if (rest.length > 0) throw invalid('it takes one parameter at most');
  const value = parameterOf(name, parameterText);
  switch (name) {
    case 'bounded':
      return { kind: name, maxStalenessMs: value };
    case 'delayed':
      return { kind: name, delayMs: value };
    case 'version':
      return { kind: name, min: value };
    default:
      return { kind: name };
  }
}

const isLevel = (name: string): name is LevelName => Object.hasOwn(LEVELS, name);

/** The level's number; 0 for a level that has none. */
function parameterOf(level: LevelName, text: string | undefined): number {
  const rule = LEVELS[level];
  if (rule === null) {
    if (text !== undefined) throw invalid(`${level} takes no parameter`);
    return 0;
  }
  const [, name, digits] = /^([a-z-]+)\s*=\s*(\d{1,10})$/i.exec(text ?? '') ?? [];
  const value = Number(digits);
  if (name?.toLowerCase() !== rule.name || !(value >= rule.min && value <= rule.max)) {
    throw invalid(`write it as "${level}; ${rule.name}=N" with N from ${rule.min} to ${rule.max}`);
  }
  return value;
}

const invalid = (detail: string): Problem => new Problem('invalid-consistency-level', { detail });
