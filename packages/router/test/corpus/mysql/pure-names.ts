import { combine, type Labelled, pure } from './corpus.ts';

/** Keywords that are also names: what the manuals list as not reserved, as columns, aliases and tables. */
const KEYWORDS = `
  account
  action
  active
  admin
  after
  algorithm
  any
  ascii
  at
  auto_increment
  avg
  backup
  begin
  binlog
  bit
  block
  bool
  boolean
  btree
  byte
  cache
  cascaded
  catalog_name
  chain
  changed
  channel
  charset
  checksum
  cipher
  client
  close
  code
  columns
  comment
  commit
  committed
  compact
  completion
  compressed
  concurrent
  connection
  consistent
  contains
  context
  cpu
  current
  data
  date
  datetime
  day
  deallocate
  definer
  directory
  disable
  discard
  disk
  do
  dumpfile
  duplicate
  dynamic
  enable
  encryption
  end
  ends
  engine
  engines
  enum
  error
  errors
  event
  events
  every
  exchange
  execute
  expire
  export
  extended
  fast
  faults
  fields
  file
  first
  fixed
  flush
  following
  follows
  format
  found
  full
  general
  global
  grants
  handler
  hash
  help
  history
  host
  hosts
  hour
  identified
  import
  indexes
  install
  invisible
  invoker
  io
  isolation
  issuer
  json
  language
  last
  leaves
  less
  level
  list
  local
  locked
  locks
  logfile
  logs
  master
  maxvalue_
  medium
  memory
  merge
  microsecond
  minute
  mode
  month
  mutex
  name
  names
  nested
  never
  new
  next
  no
  none
  nowait
  number
  one
  only
  open
  options
  ordinality
  owner
  page
  parser
  partial
  password
  path
  phase
  plugin
  plugins
  port
  preceding
  prepare
  preserve
  prev
  privileges
  process
  processlist
  profile
  proxy
  quarter
  query
  quick
  read_only
  rebuild
  recover
  relay
  remove
  reorganize
  repair
  replica
  replication
  reset
  restore
  resume
  reuse
  reverse
  role
  rollback
  routine
  savepoint
  schedule
  second
  security
  sequence
  serial
  server
  session
  share
  shutdown
  signed
  simple
  skip
  slave
  slow
  snapshot
  socket
  some
  soname
  source
  stage
  start
  starts
  status
  stop
  storage
  string
  subject
  super
  suspend
  tables
  tablespace
  temporary
  text
  than
  ties
  time
  timestamp
  transaction
  triggers
  truncate
  type
  types
  unbounded
  undefined
  unicode
  uninstall
  unknown
  until
  upgrade
  user
  validation
  value
  variables
  view
  visible
  wait
  warnings
  week
  work
  x509
  xa
  xml
  year
`;

const FRAMES = `
  SELECT t.% FROM (SELECT 1 AS %) AS t WHERE % = 1
  SELECT %, MAX(%) OVER () FROM (SELECT 2 AS %) AS % ORDER BY %
`;

/** Every reserved word is a name in backticks, and after a dot. */
const RESERVED = `
  select
  update
  delete
  insert
  into
  for
  lock
  procedure
  outfile
  table
  from
  where
  order
  group
  by
  key
  index
  and
  or
  not
  null
  values
  set
  call
  show
  use
  with
  union
  limit
  grant
  drop
  create
  alter
  explain
  describe
  desc
  sql_calc_found_rows
`;

const RESERVED_FRAMES = `
  SELECT t.\`%\`, t.% FROM (SELECT 1 AS \`%\`) AS t
  SELECT \`%\`.a FROM (SELECT 1 AS a) AS \`%\`
  WITH \`%\` (\`%\`) AS (SELECT 1) SELECT \`%\`.% FROM \`%\`
`;

const ODD = `
  SELECT a$b FROM (SELECT 1 AS a$b) t
  SELECT _id FROM (SELECT 1 AS _id) t
  SELECT __typename FROM (SELECT 1 AS __typename) t
  SELECT \`a b\`, \`a-b\`, \`a.b\`, \`a\`\`b\` FROM (SELECT 1 AS \`a b\`, 2 AS \`a-b\`, 3 AS \`a.b\`, 4 AS \`a\`\`b\`) t
  SELECT \`/* none */\`, \`-- none\`, \`@x\`, \`;\` FROM (SELECT 1 AS \`/* none */\`, 2 AS \`-- none\`, 3 AS \`@x\`, 4 AS \`;\`) t
  SELECT \`SELECT 1 FOR UPDATE\` FROM (SELECT 1 AS \`SELECT 1 FOR UPDATE\`) t
  SELECT t1.id1, t2.id2 FROM (SELECT 1 AS id1) t1, (SELECT 2 AS id2) t2
  SELECT 2020_total FROM 2020_sales t
  SELECT größe FROM (SELECT 1 AS größe) t
  SELECT lock_id, for_sale, into_stock, update_time, select_all FROM (SELECT 1 AS lock_id, 2 AS for_sale, 3 AS into_stock, 4 AS update_time, 5 AS select_all) t
  SELECT get_lock, sleep, last_insert_id, nextval FROM (SELECT 1 AS get_lock, 2 AS sleep, 3 AS last_insert_id, 4 AS nextval) t
  SELECT inserted, deleted, called FROM (SELECT 1 AS inserted, 2 AS deleted, 3 AS called) t
`;

export const PURE_NAMES: readonly Labelled[] = [
  ...pure(combine(FRAMES, KEYWORDS)),
  ...pure(combine(RESERVED_FRAMES, RESERVED)),
  ...pure(ODD),
];
