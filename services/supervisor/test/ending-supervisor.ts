/**
 * A supervisor in a process of its own that stops or kills itself right after it has carried out an order of one kind, once it was
 * told to by SIGUSR2: `node ending-supervisor.ts JSON`. Tells its events on stdout, one line of JSON each.
 */
import type { Accounts, Endpoint, EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { type Action, Supervisor, type SupervisorEvent } from '../src/index.ts';

export interface EndingOptions {
  readonly engine: EngineName;
  readonly nodes: readonly Endpoint[];
  readonly accounts: Accounts;
  readonly database: string;
  readonly endAfter: Action['do'];
  readonly how: 'SIGSTOP' | 'SIGKILL';
}

const options = JSON.parse(process.argv[2]!) as EndingOptions;
const { engine, nodes, accounts, database, endAfter, how } = options;
let isTold = false;
process.on('SIGUSR2', () => {
  isTold = true;
});

function tell(event: SupervisorEvent): void {
  // A pipe: written before this returns.
  process.stdout.write(`${JSON.stringify(event)}\n`);
  if (!isTold || event.what !== 'order' || event.action.do !== endAfter || event.outcome !== 'done') return;
  isTold = false;
  process.kill(process.pid, how);
}

const { supervisor: account, replication } = accounts;
new Supervisor({ engine: engineOf(engine), nodes, account, replication, database, onEvent: tell }).start();
