import type { ClassifyReason } from '../types.ts';
import type { Context } from './checks.ts';
import { type Fields, isFields, unwrap } from './tree.ts';
import { doubtOf } from './walk.ts';

type Doubt = Exclude<ClassifyReason, 'pure-read'>;

/** What speaks against one whole statement; null when it is proved to be a read. */
export function statementDoubt([kind, fields]: readonly [string, Fields], context: Context): Doubt | null {
  if (kind === 'SelectStmt') return doubtOf(kind, fields, context);
  if (kind === 'ExplainStmt') return explainDoubt(fields, context);
  if (kind === 'VariableShowStmt') return 'system-variable';
  return kind.endsWith('Stmt') ? 'not-a-read' : 'unparsable';
}

/** Options that only shape the answer. GENERIC_PLAN is of version 16, MEMORY and SERIALIZE of 17. */
const SHAPING = new Set(
  'verbose costs buffers format summary timing wal generic_plan memory serialize'.split(' '),
);

/** EXPLAIN plans the statement and runs it only with ANALYZE. SETTINGS shows what this session has set. */
function explainDoubt({ query, options = [] }: Fields, context: Context): Doubt | null {
  if (!Array.isArray(options)) return 'unparsable';
  for (const option of options) {
    const element = unwrap(option);
    if (!element || element === 'nothing' || element[0] !== 'DefElem') return 'unparsable';
    const { defname, arg } = element[1];
    if (defname === 'analyze') {
      if (!isOff(arg)) return 'explain-analyze';
    } else if (defname === 'settings') {
      return 'system-variable';
    } else if (!SHAPING.has(String(defname))) {
      return 'unparsable';
    }
  }
  const explained = unwrap(query);
  if (!explained || explained === 'nothing') return 'unparsable';
  return explained[0] === 'SelectStmt' ? doubtOf(...explained, context) : 'not-a-read';
}

/** ANALYZE off, false or 0, in so many words. */
function isOff(arg: unknown): boolean {
  const value = unwrap(arg);
  if (!value || value === 'nothing' || !isFields(value[1])) return false;
  const [kind, fields] = value;
  if (kind === 'Integer') return (fields.ival ?? 0) === 0;
  return kind === 'String' && /^(?:off|false)$/i.test(String(fields.sval));
}
