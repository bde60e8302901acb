/**
 * A supervisor in a process of its own that stops itself (SIGSTOP) right after it has carried out an order of one kind, once it
 * was told to by SIGUSR2: `node freezing-supervisor.ts JSON`. Tells its events on stdout, one line of JSON each.
 */
import type { Accounts, Endpoint, EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { type Action, Supervisor, type SupervisorEvent } from '../src/index.ts';

export interface FreezingOptions {
  readonly engine: EngineName;
  readonly nodes: readonly Endpoint[];
  readonly accounts: Accounts;
  readonly database: string;
  readonly freezeAfter: Action['do'];
}

const { engine, nodes, accounts, database, freezeAfter } = JSON.parse(process.argv[2]!) as FreezingOptions;
let isTold = false;
process.on('SIGUSR2', () => {
  isTold = true;
});

function tell(event: SupervisorEvent): void {
  // A pipe: written before this returns.
  process.stdout.write(`${JSON.stringify(event)}\n`);
  if (!isTold || event.what !== 'order' || event.action.do !== freezeAfter || event.outcome !== 'done')
    return;
  isTold = false;
  process.kill(process.pid, 'SIGSTOP');
}

const { admin, replication } = accounts;
new Supervisor({ engine: engineOf(engine), nodes, admin, replication, database, onEvent: tell }).start();
