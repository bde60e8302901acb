import { Buffer } from 'node:buffer';
import type { ClassifyReason } from '../types.ts';

/** Statements longer than this (in UTF-8) are not looked at. */
export const MAX_BYTES = 65_536;

/** The parser needs time that grows with the square of how deep comments nest: 16,000 levels took 1.6 s. */
const MAX_COMMENTS = 200;
/** Below this length no text nests deep enough to exhaust the stack that the parser runs on. */
const SHORT_LENGTH = 4_096;
/** Deeper trees exhaust it somewhere above 2,000 levels, less when the caller has used much of it. */
const MAX_DEPTH = 1_000;

/** What can be said against a text before it is parsed; null: nothing. */
export function textDoubt(sql: string): Exclude<ClassifyReason, 'pure-read'> | null {
  if (typeof sql !== 'string') return 'unparsable';
  if (sql.length > MAX_BYTES || Buffer.byteLength(sql) > MAX_BYTES) return 'too-long';
  // Texts end at a NUL for the parser, and lone surrogates change on the way to the server.
  if (sql.includes('\0') || !sql.isWellFormed()) return 'ambiguous-text';
  if (countOf('/*', sql, MAX_COMMENTS) > MAX_COMMENTS) return 'unparsable';
  // The extension pg_hint_plan changes settings by it, if only while the statement is planned.
  if (/\/\*\+[\s\S]*?\bset\s*\(/i.test(sql)) return 'executable-comment';
  if (sql.length > SHORT_LENGTH && depthOf(sql) > MAX_DEPTH) return 'unparsable';
  return null;
}

function countOf(part: string, text: string, enough: number): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0 && count <= enough; at = text.indexOf(part, at + 1)) count++;
  return count;
}

const PIECES = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|[^\s\w]/g;

/**
 * A rough upper bound of how deep the tree of a text will be, so that a text that is plainly too deep never reaches the
 * parser. Words and symbols nest (`a + b + c`, `x::int::text`); what stands after a comma, AND or OR stands beside. It may
 * err: then the parser fails, and all that follows goes to the primary.
 */
function depthOf(sql: string): number {
  const levels: number[] = [0];
  let depth = 0;
  let deepest = 0;
  let chained = 0; // set operations and joins go on after a comma
  for (const [piece] of sql.matchAll(PIECES)) {
    const level = levels.length - 1;
    if (piece === '(' || piece === '[') {
      levels.push(0);
    } else if ((piece === ')' || piece === ']') && level > 0) {
      depth -= levels.pop()!;
    } else if (/^(?:[,;]|and|or)$/i.test(piece)) {
      depth -= levels[level]!;
      levels[level] = 0;
    } else if (/^(?:union|except|intersect|join)$/i.test(piece)) {
      chained++;
    } else {
      levels[level]!++;
      depth++;
    }
    deepest = Math.max(deepest, depth + chained + levels.length);
  }
  return deepest;
}
