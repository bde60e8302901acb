import { Load } from './load.ts';
import { Profiler } from './profiler.ts';
import type { Order, Reply } from './protocol.ts';
import { openerOf } from './subjects/index.ts';
import { NotRun, type Subject } from './subjects/types.ts';

/**
 * The process of one subject: does one order after the other, answers each, and ends when told or when its parent goes.
 */
const [, , name = ''] = process.argv;
const profiler = new Profiler();
let subject: Subject | null = null;
let load: Load | null = null;

async function obey(order: Order): Promise<Reply> {
  switch (order.kind) {
    case 'open':
      subject = await (await openerOf(name))(order.setup);
      load = new Load(subject, order.setup);
      return { kind: 'opened', how: subject.how };
    case 'prepare':
      await opened().prepare(order.workload, order.ms);
      return { kind: 'done' };
    case 'run': {
      const { workload, warmUpMs, measureMs, seed } = order;
      return { kind: 'slice', slice: await opened().run(workload, warmUpMs, measureMs, seed) };
    }
    case 'latency':
      return { kind: 'latency', latency: opened().latency(order.workload) };
    case 'start-profile':
      await profiler.start();
      return { kind: 'done' };
    case 'stop-profile':
      await profiler.stop(order.file);
      return { kind: 'done' };
    case 'close':
      await subject?.close();
      return { kind: 'done' };
  }
}

function opened(): Load {
  if (!load) throw new Error('the subject is not open');
  return load;
}

const textOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

process.on('message', (order: Order) => {
  obey(order)
    .catch((error: unknown): Reply => {
      if (error instanceof NotRun) return { kind: 'not-run', reason: error.message };
      return { kind: 'failed', error: textOf(error) };
    })
    .then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group; the parent decides when its subjects end.
process.on('SIGINT', () => {});
