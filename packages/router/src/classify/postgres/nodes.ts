import type { ClassifyReason } from '../types.ts';

/**
 * The kinds of parse-tree nodes that reads are made of, each with all the fields a read may have. A kind or a field that
 * is not here is one that nobody has thought about, so a statement that holds it is not proved to be a read.
 *
 * Notation of a field: `name.` a plain value; `name` a node; `name*` a list of nodes; `name:Kind` a node of that kind that
 * the tree writes without its kind; `name!reason` its mere presence decides.
 */
const KINDS: Readonly<Record<string, string>> = {
  // Statements
  SelectStmt: `distinctClause* intoClause!select-into targetList* fromClause* whereClause groupClause* groupDistinct.
    havingClause windowClause* valuesLists* sortClause* limitOffset limitCount limitOption.
    lockingClause!locking-clause withClause:WithClause op. all. larg:SelectStmt rarg:SelectStmt`,
  WithClause: 'ctes* recursive.',
  CommonTableExpr: `ctename. aliascolnames* ctematerialized. ctequery search_clause:CTESearchClause
    cycle_clause:CTECycleClause`,
  CTESearchClause: 'search_col_list* search_breadth_first. search_seq_column.',
  CTECycleClause: `cycle_col_list* cycle_mark_column. cycle_mark_value cycle_mark_default cycle_path_column.`,
  ResTarget: 'name. val',
  SortBy: 'node sortby_dir. sortby_nulls. useOp*',
  GroupingSet: 'kind. content*',
  WindowDef: 'name. refname. partitionClause* orderClause* frameOptions. startOffset endOffset',

  // What FROM can hold
  RangeVar: 'catalogname. schemaname. relname. inh. relpersistence. alias:Alias',
  RangeSubselect: 'lateral. subquery alias:Alias',
  RangeFunction: 'lateral. ordinality. is_rowsfrom. functions* alias:Alias coldeflist*',
  RangeTableSample: 'relation method* args* repeatable',
  RangeTableFunc: 'lateral. docexpr rowexpr namespaces* columns* alias:Alias',
  RangeTableFuncCol: 'colname. typeName:TypeName for_ordinality. is_not_null. colexpr coldefexpr',
  JoinExpr: 'jointype. isNatural. larg rarg usingClause* join_using_alias:Alias quals alias:Alias',
  Alias: 'aliasname. colnames*',
  ColumnDef: 'colname. typeName:TypeName is_local. collClause:CollateClause',

  // Expressions
  ColumnRef: 'fields*',
  ParamRef: 'number.',
  A_Const: 'ival:Integer fval:Float boolval:Boolean sval:String bsval:BitString isnull.',
  A_Expr: 'kind. name* lexpr rexpr rexpr_list_start. rexpr_list_end.',
  A_Star: '',
  A_Indices: 'is_slice. lidx uidx',
  A_Indirection: 'arg indirection*',
  A_ArrayExpr: 'elements* list_start. list_end.',
  BoolExpr: 'boolop. args*',
  BooleanTest: 'arg booltesttype.',
  NullTest: 'arg nulltesttype.',
  CaseExpr: 'arg args* defresult',
  CaseWhen: 'expr result',
  CoalesceExpr: 'args*',
  MinMaxExpr: 'op. args*',
  RowExpr: 'args* row_format.',
  SubLink: 'subLinkType. testexpr operName* subselect',
  TypeCast: 'arg typeName:TypeName',
  TypeName: 'names* typmods* typemod. arrayBounds*',
  CollateClause: 'arg collname*',
  FuncCall: `funcname* args* agg_order* agg_filter over:WindowDef agg_within_group. agg_star. agg_distinct.
    func_variadic. funcformat.`,
  NamedArgExpr: 'arg name. argnumber.',
  GroupingFunc: 'args*',
  SQLValueFunction: 'op. typmod.',
  XmlExpr: 'op. name. named_args* args* xmloption. indent.',
  XmlSerialize: 'xmloption. expr typeName:TypeName indent.',

  // SQL/JSON
  JsonFormat: 'format_type. encoding.',
  JsonReturning: 'format:JsonFormat typmod.',
  JsonOutput: 'typeName:TypeName returning:JsonReturning',
  JsonValueExpr: 'raw_expr format:JsonFormat',
  JsonArgument: 'val:JsonValueExpr name.',
  JsonKeyValue: 'key value:JsonValueExpr',
  JsonBehavior: 'btype. expr',
  JsonParseExpr: 'expr:JsonValueExpr output:JsonOutput unique_keys.',
  JsonScalarExpr: 'expr output:JsonOutput',
  JsonSerializeExpr: 'expr:JsonValueExpr output:JsonOutput',
  JsonIsPredicate: 'expr format:JsonFormat item_type. unique_keys.',
  JsonObjectConstructor: 'exprs* output:JsonOutput absent_on_null. unique.',
  JsonArrayConstructor: 'exprs* output:JsonOutput absent_on_null.',
  JsonArrayQueryConstructor: 'query output:JsonOutput format:JsonFormat absent_on_null.',
  JsonAggConstructor: 'output:JsonOutput agg_filter agg_order* over:WindowDef',
  JsonObjectAgg: 'constructor:JsonAggConstructor arg:JsonKeyValue absent_on_null. unique.',
  JsonArrayAgg: 'constructor:JsonAggConstructor arg:JsonValueExpr absent_on_null.',
  JsonFuncExpr: `op. context_item:JsonValueExpr pathspec passing* output:JsonOutput on_empty:JsonBehavior
    on_error:JsonBehavior wrapper. quotes.`,
  JsonTable: `context_item:JsonValueExpr pathspec:JsonTablePathSpec passing* columns* on_error:JsonBehavior alias:Alias
    lateral.`,
  JsonTableColumn: `coltype. name. typeName:TypeName pathspec:JsonTablePathSpec format:JsonFormat wrapper. quotes.
    columns* on_empty:JsonBehavior on_error:JsonBehavior`,
  JsonTablePathSpec: 'string name. name_location.',

  // Values and lists
  List: 'items*',
  String: 'sval.',
  Integer: 'ival.',
  Float: 'fval.',
  Boolean: 'boolval.',
  BitString: 'bsval.',
};

export type FieldRule =
  | { readonly holds: 'value' | 'node' | 'nodes' }
  | { readonly holds: 'kind'; readonly kind: string }
  | { readonly holds: 'reason'; readonly reason: Exclude<ClassifyReason, 'pure-read'> };

function toRule(notation: string): [name: string, rule: FieldRule] {
  const [, name = '', mark, rest = ''] = /^(\w+)([.*:!])?(.*)$/.exec(notation) ?? [];
  if (mark === '.') return [name, { holds: 'value' }];
  if (mark === '*') return [name, { holds: 'nodes' }];
  if (mark === ':') return [name, { holds: 'kind', kind: rest }];
  if (mark === '!') return [name, { holds: 'reason', reason: rest as 'select-into' | 'locking-clause' }];
  return [name, { holds: 'node' }];
}

/** Rules of every kind that a read may hold: field name to rule. `location` is where in the text a node begins. */
export const NODE_RULES: ReadonlyMap<string, ReadonlyMap<string, FieldRule>> = new Map(
  Object.entries(KINDS).map(([kind, fields]) => [
    kind,
    new Map<string, FieldRule>([
      ['location', { holds: 'value' }],
      ...fields
        .split(/\s+/)
        .filter((field) => field !== '')
        .map(toRule),
    ]),
  ]),
);
