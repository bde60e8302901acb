import type { ClassifyReason } from '../types.ts';
import { CHECKS, type Context } from './checks.ts';
import { type FieldRule, NODE_RULES } from './nodes.ts';
import { type Fields, isFields, unwrap } from './tree.ts';

type Item = readonly [kind: string, fields: Fields];
type Doubt = Exclude<ClassifyReason, 'pure-read'>;

/**
 * The first reason not to call this tree a read, in the order of the tree, or null when it is one. No recursion: a tree is
 * as deep as the text's author likes.
 */
export function doubtOf(kind: string, fields: Fields, context: Context): Doubt | null {
  const pending: Item[] = [[kind, fields]];
  for (let item = pending.pop(); item; item = pending.pop()) {
    const children: Item[] = [];
    const doubt = visit(item, context, children);
    if (doubt) return doubt;
    for (const child of children.reverse()) pending.push(child);
  }
  return null;
}

function visit([kind, fields]: Item, context: Context, children: Item[]): Doubt | null {
  const rules = NODE_RULES.get(kind);
  if (!rules) return kind.endsWith('Stmt') ? 'not-a-read' : 'unparsable';
  const doubt = CHECKS.get(kind)?.(fields, context);
  if (doubt) return doubt;
  for (const [name, value] of Object.entries(fields)) {
    const rule = rules.get(name);
    const found = rule ? collect(value, rule, children) : 'unparsable';
    if (found) return found;
  }
  return null;
}

function collect(value: unknown, rule: FieldRule, children: Item[]): Doubt | null {
  if (rule.holds === 'value') return typeof value === 'object' ? 'unparsable' : null;
  if (rule.holds === 'reason') return rule.reason;
  if (rule.holds === 'kind') {
    if (!isFields(value)) return 'unparsable';
    children.push([rule.kind, value]);
    return null;
  }
  const nodes = rule.holds === 'node' ? [value] : value;
  if (!Array.isArray(nodes)) return 'unparsable';
  for (const node of nodes) {
    const item = unwrap(node);
    if (item === null) return 'unparsable';
    if (item !== 'nothing') children.push(item);
  }
  return null;
}
