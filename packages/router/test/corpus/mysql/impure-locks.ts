import { combine, impure, impureTexts, type Labelled } from './corpus.ts';

const QUERIES = `
  SELECT * FROM orders %
  SELECT id FROM orders WHERE id = 1 %
  SELECT id FROM orders ORDER BY id LIMIT 1 %
  SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.vip = 1 %
  (SELECT id FROM orders %)
  (SELECT id FROM orders) %
  SELECT * FROM (SELECT id FROM orders %) t
  SELECT id FROM customers WHERE id IN (SELECT customer_id FROM orders %)
  SELECT (SELECT MAX(id) FROM orders %)
  WITH q AS (SELECT id FROM orders %) SELECT * FROM q
  WITH q AS (SELECT 1) SELECT * FROM orders %
  (SELECT id FROM orders %) UNION (SELECT id FROM items)
  SELECT id FROM items UNION (SELECT id FROM orders %)
  SELECT status, COUNT(*) FROM orders GROUP BY status %
  SELECT 1 %
`;

const BOTH = `
  FOR UPDATE
  LOCK IN SHARE MODE
  FOR UPDATE NOWAIT
  FOR UPDATE SKIP LOCKED
  FOR /* why */ UPDATE
  for update
  LOCK/**/IN/**/SHARE/**/MODE
`;

const MYSQL = `
  FOR SHARE
  FOR SHARE NOWAIT
  FOR SHARE SKIP LOCKED
  FOR UPDATE OF orders
  FOR SHARE OF orders SKIP LOCKED
`;

const MARIADB = `
  FOR UPDATE WAIT 1
  LOCK IN SHARE MODE WAIT 1
  LOCK IN SHARE MODE NOWAIT
  LOCK IN SHARE MODE SKIP LOCKED
`;

const LAYOUTS: readonly string[] = [
  'SELECT id\nFROM orders\nWHERE id = 1\nFOR\nUPDATE',
  'SELECT id FROM orders FOR -- shared\nUPDATE',
  'SELECT id FROM orders FOR # shared\nUPDATE',
  'SELECT id FROM orders FOR\tUPDATE',
  'SELECT id FROM orders FOR\r\nUPDATE',
  'SELECT id FROM orders FOR\fUPDATE',
  'SELECT id FROM orders LOCK\nIN\nSHARE\nMODE',
  'SELECT id FROM orders lock in share mode',
  'SELECT id FROM orders FoR uPdAtE',
  'SELECT id FROM `orders`FOR UPDATE',
  "SELECT id FROM orders WHERE status='new'FOR UPDATE",
  'SELECT id FROM orders WHERE id IN(1)FOR UPDATE',
  'SELECT id FROM orders FOR UPDATE;',
  'SELECT id FROM orders FOR UPDATE -- read only',
  'SELECT id FROM orders /* only a read */ FOR UPDATE /* really */',
  "SELECT id FROM orders WHERE note <> '-- ' FOR UPDATE",
  "SELECT id FROM orders WHERE note <> '/*' FOR UPDATE -- '*/'",
  'SELECT id FROM orders WHERE note <> "/*" FOR UPDATE -- "*/"',
  'SELECT id AS `/*` FROM orders FOR UPDATE -- `*/`',
  "SELECT id FROM orders WHERE note <> '#' FOR UPDATE",
  'SELECT id FROM orders WHERE id = 1--1 FOR UPDATE',
  "SELECT id FROM orders WHERE note = 'it''s' FOR UPDATE",
  'SELECT `for`, `update` FROM `odd` FOR UPDATE',
  'SELECT odd.for, odd.update FROM odd FOR UPDATE',
  'SELECT id FROM orders FOR UPDATE OF orders NOWAIT',
];

export const IMPURE_LOCKS: readonly Labelled[] = [
  ...impure(combine(QUERIES, BOTH)),
  ...impure(combine(QUERIES, MYSQL), { on: 'mysql' }),
  ...impure(combine(QUERIES, MARIADB), { on: 'mariadb' }),
  ...impureTexts(LAYOUTS),
];
