-- One expression a line, to be put behind SELECT: the built-in operators, each with several types.
!! 'fat & cat'::tsquery
'ab'::bpchar !~ 'one two'
'people'::name !~ 'one two'
'one two' !~ 'o'
'ab'::bpchar !~* 'one two'
'people'::name !~* 'one two'
'one two' !~* 'o'
decode('0102ff','hex') !~~ decode('02','hex')
'ab'::bpchar !~~ 'one two'
'people'::name !~~ 'one two'
'one two' !~~ 'o'
'ab'::bpchar !~~* 'one two'
'people'::name !~~* 'one two'
'one two' !~~* 'o'
7::int8 # 2::int8
b'101' # b'110'
box '(1,2),(3,4)' # box '(2,2),(5,5)'
7 # 2
line '{1,2,3}' # line '{2,1,3}'
lseg '[(1,2),(3,4)]' # lseg '[(1,3),(3,5)]'
line '{1,2,3}' ## lseg '[(1,2),(3,4)]'
lseg '[(1,2),(3,4)]' ## box '(1,2),(3,4)'
lseg '[(1,2),(3,4)]' ## lseg '[(1,3),(3,5)]'
point '(1,2)' ## box '(1,2),(3,4)'
point '(1,2)' ## line '{1,2,3}'
point '(1,2)' ## lseg '[(1,2),(3,4)]'
'{"a":{"b":1}}'::json #> array['a','b']
'{"a":[1,2]}'::jsonb #> array['a','b']
'{"a":{"b":1}}'::json #>> array['a','b']
'{"a":[1,2]}'::jsonb #>> array['a','b']
7::int8 % 2::int8
7 % 2
2.5 % 2
7::int2 % 2::int2
7::int8 & 2::int8
b'101' & b'110'
inet '10.1.2.3/24' & inet '10.1.3.4/24'
7 & 2
macaddr '08:00:2b:01:02:03' & macaddr '08:00:2b:01:02:04'
macaddr8 '08:00:2b:01:02:03:04:05' & macaddr8 '08:00:2b:01:02:03:04:06'
array[3,1,2] && array[1,2]
'{[1,5)}'::int4multirange && '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange && int4range(1,5)
int4range(1,5) && '{[1,5)}'::int4multirange
int4range(1,5) && int4range(4,9)
box '(1,2),(3,4)' && box '(2,2),(5,5)'
'{[1,5)}'::int4multirange &< '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange &< int4range(1,5)
int4range(1,5) &< '{[1,5)}'::int4multirange
int4range(1,5) &< int4range(4,9)
box '(1,2),(3,4)' &< box '(2,2),(5,5)'
circle '<(1,2),3>' &< circle '<(5,6),1>'
box '(1,2),(3,4)' &<| box '(2,2),(5,5)'
circle '<(1,2),3>' &<| circle '<(5,6),1>'
polygon '((0,0),(1,1),(2,0))' &<| polygon '((0,0),(1,1),(3,0))'
'{[1,5)}'::int4multirange &> '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange &> int4range(1,5)
int4range(1,5) &> '{[1,5)}'::int4multirange
int4range(1,5) &> int4range(4,9)
box '(1,2),(3,4)' &> box '(2,2),(5,5)'
circle '<(1,2),3>' &> circle '<(5,6),1>'
'{[1,5)}'::int4multirange * '{[1,5)}'::int4multirange
int4range(1,5) * int4range(4,9)
7::int8 * 2::int8
7::int8 * 7
7::int8 * 12.34::numeric::money
7::int8 * 7::int2
'{[1,5)}'::int4multirange + '{[1,5)}'::int4multirange
int4range(1,5) + int4range(4,9)
7::int8 + 2::int8
7::int8 + inet '10.1.2.3/24'
7::int8 + 7
7::int8 + 7::int2
'{[1,5)}'::int4multirange - '{[1,5)}'::int4multirange
int4range(1,5) - int4range(4,9)
7::int8 - 2::int8
7::int8 - 7
7::int8 - 7::int2
box '(1,2),(3,4)' - point '(1,2)'
'{"a":{"b":1}}'::json -> 7
'{"a":{"b":1}}'::json -> 'one two'
'{"a":[1,2]}'::jsonb -> 7
'{"a":[1,2]}'::jsonb -> 'one two'
'{"a":{"b":1}}'::json ->> 7
'{"a":{"b":1}}'::json ->> 'one two'
'{"a":[1,2]}'::jsonb ->> 7
'{"a":[1,2]}'::jsonb ->> 'one two'
'{[1,5)}'::int4multirange -|- '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange -|- int4range(1,5)
int4range(1,5) -|- '{[1,5)}'::int4multirange
int4range(1,5) -|- int4range(4,9)
7::int8 / 2::int8
7::int8 / 7
7::int8 / 7::int2
box '(1,2),(3,4)' / point '(1,2)'
circle '<(1,2),3>' / point '(1,2)'
0.5::float8 / 2::float8
'x'::"char" < 'y'::"char"
array[3,1,2] < array[1,2]
'x' < 'x'
'{[1,5)}'::int4multirange < '{[1,5)}'::int4multirange
int4range(1,5) < int4range(4,9)
7::int8 < 2::int8
box '(1,2),(3,4)' <-> box '(2,2),(5,5)'
box '(1,2),(3,4)' <-> lseg '[(1,2),(3,4)]'
box '(1,2),(3,4)' <-> point '(1,2)'
circle '<(1,2),3>' <-> circle '<(5,6),1>'
circle '<(1,2),3>' <-> point '(1,2)'
circle '<(1,2),3>' <-> polygon '((0,0),(1,1),(2,0))'
'{[1,5)}'::int4multirange << '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange << int4range(1,5)
int4range(1,5) << '{[1,5)}'::int4multirange
int4range(1,5) << int4range(4,9)
7::int8 << 7
b'101' << 7
inet '10.1.2.3/24' <<= inet '10.1.3.4/24'
box '(1,2),(3,4)' <<| box '(2,2),(5,5)'
circle '<(1,2),3>' <<| circle '<(5,6),1>'
point '(1,2)' <<| point '(3,4)'
polygon '((0,0),(1,1),(2,0))' <<| polygon '((0,0),(1,1),(3,0))'
'x'::"char" <= 'y'::"char"
array[3,1,2] <= array[1,2]
'x' <= 'x'
'{[1,5)}'::int4multirange <= '{[1,5)}'::int4multirange
int4range(1,5) <= int4range(4,9)
7::int8 <= 2::int8
'x'::"char" <> 'y'::"char"
array[3,1,2] <> array[1,2]
'x' <> 'x'
'{[1,5)}'::int4multirange <> '{[1,5)}'::int4multirange
int4range(1,5) <> int4range(4,9)
7::int8 <> 2::int8
array[3,1,2] <@ array[1,2]
1 <@ '{[1,5)}'::int4multirange
1 <@ int4range(1,5)
'{[1,5)}'::int4multirange <@ '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange <@ int4range(1,5)
int4range(1,5) <@ '{[1,5)}'::int4multirange
box '(1,2),(3,4)' <^ box '(2,2),(5,5)'
point '(1,2)' <^ point '(3,4)'
'x'::"char" = 'y'::"char"
'=r/pg_monitor'::aclitem = '=r/pg_monitor'::aclitem
array[3,1,2] = array[1,2]
'x' = 'x'
'{[1,5)}'::int4multirange = '{[1,5)}'::int4multirange
int4range(1,5) = int4range(4,9)
'x'::"char" > 'y'::"char"
array[3,1,2] > array[1,2]
'x' > 'x'
'{[1,5)}'::int4multirange > '{[1,5)}'::int4multirange
int4range(1,5) > int4range(4,9)
7::int8 > 2::int8
'x'::"char" >= 'y'::"char"
array[3,1,2] >= array[1,2]
'x' >= 'x'
'{[1,5)}'::int4multirange >= '{[1,5)}'::int4multirange
int4range(1,5) >= int4range(4,9)
7::int8 >= 2::int8
'{[1,5)}'::int4multirange >> '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange >> int4range(1,5)
int4range(1,5) >> '{[1,5)}'::int4multirange
int4range(1,5) >> int4range(4,9)
7::int8 >> 7
b'101' >> 7
inet '10.1.2.3/24' >>= inet '10.1.3.4/24'
box '(1,2),(3,4)' >^ box '(2,2),(5,5)'
point '(1,2)' >^ point '(3,4)'
'{"a":[1,2]}'::jsonb ? 'one two'
box '(1,2),(3,4)' ?# box '(2,2),(5,5)'
line '{1,2,3}' ?# box '(1,2),(3,4)'
line '{1,2,3}' ?# line '{2,1,3}'
lseg '[(1,2),(3,4)]' ?# box '(1,2),(3,4)'
lseg '[(1,2),(3,4)]' ?# line '{1,2,3}'
lseg '[(1,2),(3,4)]' ?# lseg '[(1,3),(3,5)]'
'{"a":[1,2]}'::jsonb ?& array['a','b']
point '(1,2)' ?- point '(3,4)'
?- line '{1,2,3}'
?- lseg '[(1,2),(3,4)]'
line '{1,2,3}' ?-| line '{2,1,3}'
lseg '[(1,2),(3,4)]' ?-| lseg '[(1,3),(3,5)]'
'{"a":[1,2]}'::jsonb ?| array['a','b']
point '(1,2)' ?| point '(3,4)'
?| line '{1,2,3}'
?| lseg '[(1,2),(3,4)]'
line '{1,2,3}' ?|| line '{2,1,3}'
lseg '[(1,2),(3,4)]' ?|| lseg '[(1,3),(3,5)]'
@ 7::int8
@ 0.5::float8
@ 7
@ 2.5
@ 0.5::float4
@ 7::int2
@-@ lseg '[(1,2),(3,4)]'
@-@ path '[(1,2),(3,4)]'
'{=r/pg_monitor}'::aclitem[] @> '=r/pg_monitor'::aclitem
array[3,1,2] @> array[1,2]
'{[1,5)}'::int4multirange @> 1
'{[1,5)}'::int4multirange @> '{[1,5)}'::int4multirange
'{[1,5)}'::int4multirange @> int4range(1,5)
int4range(1,5) @> 1
'{"a":[1,2]}'::jsonb @? '$.a[*]'::jsonpath
'{"a":[1,2]}'::jsonb @@ '$.a[*]'::jsonpath
'one two' @@ 'o'
'one two' @@ 'fat & cat'::tsquery
'fat & cat'::tsquery @@ 'fat:2 cat:3'::tsvector
'fat:2 cat:3'::tsvector @@ 'fat & cat'::tsquery
@@ box '(1,2),(3,4)'
'fat & cat'::tsquery @@@ 'fat:2 cat:3'::tsvector
'fat:2 cat:3'::tsvector @@@ 'fat & cat'::tsquery
0.5::float8 ^ 2::float8
2.5 ^ 2
'one two' ^@ 'o'
7::int8 | 2::int8
b'101' | b'110'
inet '10.1.2.3/24' | inet '10.1.3.4/24'
7 | 2
macaddr '08:00:2b:01:02:03' | macaddr '08:00:2b:01:02:04'
macaddr8 '08:00:2b:01:02:03:04:05' | macaddr8 '08:00:2b:01:02:03:04:06'
box '(1,2),(3,4)' |&> box '(2,2),(5,5)'
circle '<(1,2),3>' |&> circle '<(5,6),1>'
polygon '((0,0),(1,1),(2,0))' |&> polygon '((0,0),(1,1),(3,0))'
|/ 0.5::float8
box '(1,2),(3,4)' |>> box '(2,2),(5,5)'
circle '<(1,2),3>' |>> circle '<(5,6),1>'
point '(1,2)' |>> point '(3,4)'
polygon '((0,0),(1,1),(2,0))' |>> polygon '((0,0),(1,1),(3,0))'
1 || array[3,1,2]
array[3,1,2] || 1
array[3,1,2] || array[1,2]
1 || 'one two'
b'10101'::varbit || b'01'::varbit
decode('0102ff','hex') || decode('02','hex')
||/ 0.5::float8
'ab'::bpchar ~ 'one two'
'people'::name ~ 'one two'
'one two' ~ 'o'
~ 7::int8
~ b'101'
~ inet '10.1.2.3/24'
'ab'::bpchar ~* 'one two'
'people'::name ~* 'one two'
'one two' ~* 'o'
'ab'::bpchar ~<=~ 'cd'::bpchar
'one two' ~<=~ 'o'
'ab'::bpchar ~<~ 'cd'::bpchar
'one two' ~<~ 'o'
box '(1,2),(3,4)' ~= box '(2,2),(5,5)'
circle '<(1,2),3>' ~= circle '<(5,6),1>'
point '(1,2)' ~= point '(3,4)'
polygon '((0,0),(1,1),(2,0))' ~= polygon '((0,0),(1,1),(3,0))'
'ab'::bpchar ~>=~ 'cd'::bpchar
'one two' ~>=~ 'o'
'ab'::bpchar ~>~ 'cd'::bpchar
'one two' ~>~ 'o'
decode('0102ff','hex') ~~ decode('02','hex')
'ab'::bpchar ~~ 'one two'
'people'::name ~~ 'one two'
'one two' ~~ 'o'
'ab'::bpchar ~~* 'one two'
'people'::name ~~* 'one two'
'one two' ~~* 'o'
(SELECT p FROM people p WHERE id = 1) *= (SELECT p FROM people p WHERE id = 1)
(SELECT p FROM people p WHERE id = 1) *<> (SELECT p FROM people p WHERE id = 2)
(SELECT p FROM people p WHERE id = 1) *< (SELECT p FROM people p WHERE id = 2)
(SELECT p FROM people p WHERE id = 1) *>= (SELECT p FROM people p WHERE id = 2)
'{"a":[1,2]}'::jsonb #- '{a,0}'
row(1, 'x') < row(1, 'y')
(1, 'x') >= (1, 'w')
2 OPERATOR(pg_catalog.*) 3
- 7 OPERATOR(pg_catalog.%) 4
'abc' OPERATOR(pg_catalog.~~) 'a%'
