import { refuse } from './refused.ts';

/** The first place at or after `start` that is neither white space nor a comment. */
export function skipGap(sql: string, start: number): number {
  let at = start;
  while (at < sql.length) {
    const next = afterGap(sql, at);
    if (next === at) return at;
    at = next;
  }
  return at;
}

function afterGap(sql: string, at: number): number {
  const code = sql.charCodeAt(at);
  if (isSpace(code)) return at + 1;
  if (code < 0x20 || code === 0x7f) refuse('ambiguous-text');
  if (code === 0x23 /* # */) return endOfLine(sql, at);
  if (code === 0x2d /* - */ && sql[at + 1] === '-') return afterDashes(sql, at);
  if (code === 0x2f /* / */ && sql[at + 1] === '*') return afterBlockComment(sql, at);
  return at;
}

/** Tab, line feed, vertical tab, form feed, carriage return, space: the servers know no other. */
const isSpace = (code: number): boolean => code === 0x20 || (code >= 9 && code <= 13);

/** A carriage return does not end a comment. */
function endOfLine(sql: string, at: number): number {
  const end = sql.indexOf('\n', at);
  return end === -1 ? sql.length : end + 1;
}

/** `--` begins a comment only before white space, a control character or the end; `1--1` is arithmetic. */
function afterDashes(sql: string, at: number): number {
  const code = at + 2 < sql.length ? sql.charCodeAt(at + 2) : 0x20;
  // The no-break space and its like: white space in some character sets.
  if (code >= 0x80) refuse('ambiguous-text');
  return code <= 0x20 || code === 0x7f ? endOfLine(sql, at) : at;
}

function afterBlockComment(sql: string, at: number): number {
  // `/*!` runs on MySQL and MariaDB, `/*M!` on MariaDB, and other letters belong to relatives of theirs.
  if (/^[A-Za-z]?!/.test(sql.slice(at + 2, at + 4))) refuse('executable-comment');
  const end = sql.indexOf('*/', at + 2);
  if (end === -1) refuse('unparsable');
  const text = sql.slice(at + 2, end);
  if (text.startsWith('+')) checkHint(text.slice(1));
  // Which `*/` ends a comment in a comment was not always answered in the same way.
  else if (text.includes('/*')) refuse('ambiguous-text');
  return end + 2;
}

const PLAIN_HINT = /^[A-Za-z0-9_$@.,()`\s]*$/;
const SETS_SOMETHING = /\b(?:set_var|resource_group)\b/i;

/**
 * Hints that choose a plan are harmless. Some set variables or move the thread to other processors. A server that reads
 * hints reads quotes in them, and one that sees a comment does not: with a quote left open the two end in different places.
 */
function checkHint(hint: string): void {
  if (!PLAIN_HINT.test(hint) || SETS_SOMETHING.test(hint)) refuse('executable-comment');
  if (hint.split('`').length % 2 === 0) refuse('ambiguous-text');
}
