import { emitWarning } from 'node:process';
import { type Fields, isFields } from './tree.ts';

type Library = typeof import('libpg-query');

/** `syntax`: the parser refuses the text. `absent`: there is no parser, or none that can be trusted. */
export type Parsed = { readonly statements: readonly Fields[] } | 'syntax' | 'absent';

let library: Library | null = null;
let loading: Promise<void> | null = null;
/** True from before WebAssembly is entered until it has come back in order. */
let unsafe = false;
let warned = false;

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
export const isParserReady = (): boolean => library !== null && !unsafe;

/** Parses a text that is not empty. */
export function parse(sql: string): Parsed {
  const tree = ask((parser) => parser.parseSync(sql));
  if (typeof tree === 'string') return tree;
  const { stmts = [] } = tree;
  return Array.isArray(stmts) && stmts.every(isFields) ? { statements: stmts } : 'syntax';
}

/** The tokens of a text that parses, as they are written. */
export function tokensOf(sql: string): readonly string[] | 'syntax' | 'absent' {
  const scanned = ask((parser) => parser.scanSync(sql));
  if (typeof scanned === 'string') return scanned;
  const { tokens } = scanned;
  const texts = Array.isArray(tokens) ? tokens.map((token) => (isFields(token) ? token.text : null)) : [null];
  return texts.every((text) => typeof text === 'string') ? texts : 'syntax';
}

/**
 * A fault inside WebAssembly (its stack or its memory is exhausted) leaves the parser's memory in a state that nobody can
 * vouch for. It is not asked again: every statement goes to the primary from then on. The flag is up before the call,
 * because where a stack is exhausted, not even what would raise it can be called. May throw for the same reason.
 */
function ask(question: (parser: Library) => unknown): Fields | 'syntax' | 'absent' {
  if (!library) return 'absent';
  if (unsafe) {
    warn();
    return 'absent';
  }
  unsafe = true;
  try {
    const answer = question(library);
    unsafe = false;
    return isFields(answer) ? answer : 'syntax';
  } catch (error) {
    if (!isVerdict(error, library)) return 'absent';
    unsafe = false;
    return 'syntax';
  }
}

/** Errors about this text alone: the grammar's own, the scanner's (plain errors), and a tree that is no JSON. */
function isVerdict(error: unknown, { SqlError }: Library): boolean {
  if (error instanceof SqlError || error instanceof SyntaxError) return true;
  return error instanceof Error && error.constructor === Error;
}

/** Once, at the first statement after the fault that has the stack for it. */
function warn(): void {
  if (warned) return;
  emitWarning(
    'the PostgreSQL parser has failed: every statement goes to the primary until this process restarts',
    { code: 'REPLICATION_LAB_PARSER_FAILED' },
  );
  warned = true;
}
