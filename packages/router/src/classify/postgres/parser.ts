import { emitWarning } from 'node:process';
import { type Fields, isFields } from './tree.ts';

type Library = typeof import('libpg-query');

/** `syntax`: the parser refuses the text. `absent`: there is no parser, or none that can be trusted. */
export type Parsed = { readonly statements: readonly Fields[] } | 'syntax' | 'absent';

let library: Library | null = null;
let loading: Promise<void> | null = null;
let failed = false;

/**
 * Loads PostgreSQL's grammar (WebAssembly, about 2 MB). Until this has resolved, every statement is unparsable. Rejects when
 * it cannot be loaded; a later call tries again.
 */
export function loadPostgresParser(): Promise<void> {
  loading ??= load().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function load(): Promise<void> {
  const loaded = await import('libpg-query');
  await loaded.loadModule();
  library = loaded;
}

/** Whether verdicts are the parser's own, so worth keeping. */
export const isParserReady = (): boolean => library !== null && !failed;

/** Parses a text that is not empty. Never throws. */
export function parse(sql: string): Parsed {
  if (!library || failed) return 'absent';
  try {
    const { stmts = [] } = library.parseSync(sql) as { stmts?: unknown };
    return Array.isArray(stmts) && stmts.every(isFields) ? { statements: stmts } : 'syntax';
  } catch (error) {
    return isVerdict(error, library) ? 'syntax' : fail(error);
  }
}

/** The tokens of a text that parses, as they are written. */
export function tokensOf(sql: string): readonly string[] | 'syntax' | 'absent' {
  if (!library || failed) return 'absent';
  try {
    const { tokens } = library.scanSync(sql) as { tokens?: unknown };
    const texts = Array.isArray(tokens) ? tokens.map((token) => (isFields(token) ? token.text : null)) : [];
    return texts.every((text) => typeof text === 'string') ? texts : 'syntax';
  } catch (error) {
    return isVerdict(error, library) ? 'syntax' : fail(error);
  }
}

/** Errors about this text alone: the grammar's own, the scanner's (plain errors), and a tree that is no JSON. */
function isVerdict(error: unknown, { SqlError }: Library): boolean {
  if (error instanceof SqlError || error instanceof SyntaxError) return true;
  return error instanceof Error && error.constructor === Error;
}

/**
 * A fault inside WebAssembly (its stack or memory is exhausted) leaves the parser's memory in a state that nobody can
 * vouch for. It is not asked again: every statement goes to the primary from here on.
 */
function fail(error: unknown): 'absent' {
  failed = true;
  emitWarning(
    `the PostgreSQL parser has failed (${error}): every statement goes to the primary until this process restarts`,
    { code: 'REPLICATION_LAB_PARSER_FAILED' },
  );
  return 'absent';
}
