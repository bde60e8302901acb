import type { Verb } from '../verb.ts';
import { backup } from './backup.ts';
import { bench } from './bench.ts';
import { certs } from './certs.ts';
import { compare } from './compare.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { down } from './down.ts';
import { drill } from './drill.ts';
import { events } from './events.ts';
import { failover } from './failover.ts';
import { fault } from './fault.ts';
import { heal } from './heal.ts';
import { logs } from './logs.ts';
import { restore } from './restore.ts';
import { status } from './status.ts';
import { switchover } from './switchover.ts';
import { test } from './test.ts';
import { up } from './up.ts';

/** In the order in which `./lab` lists them. */
export const verbs: readonly Verb[] = [
  demo,
  up,
  status,
  events,
  compare,
  drill,
  fault,
  heal,
  switchover,
  failover,
  backup,
  restore,
  certs,
  logs,
  down,
  test,
  bench,
  doctor,
];
