import { handleMessages, forwardMessages } from '../../functions/controllers/messages.js';
import { silentLog } from '../../functions/apiserver/registry/context.js';
import { seededRandom } from '../../lib/random.js';
import { MemoryWorkQueue } from '../../lib/work/memory-work-queue.js';
import { TableDues } from '../../lib/work/sqs/dues.js';
import { WORK_RECEIVES_MAX, WORK_VISIBILITY_SECONDS } from '../../lib/work/sqs/limits.js';
import { SqsWorkQueue } from '../../lib/work/sqs/sqs-work-queue.js';
import { groupOf } from '../../lib/work/work-queue.js';
import { readBody } from '../../lib/work/sqs/work-body.js';
import { EventSource } from '../support/event-source.js';
import { SqsDouble } from '../support/sqs-double.js';
import { TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { workQueueContract } from './work-queue-contract.js';

workQueueContract('memory', ({ clock, handler }) => {
  const dead: string[] = [];
  const queue = new MemoryWorkQueue({
    clock,
    concurrency: 4,
    handler,
    onDeadLetter: (message) => dead.push(groupOf(message)),
  });
  return { queue, dead: () => dead, close: () => queue.close() };
});

workQueueContract('sqs', ({ clock, handler }) => {
  const sqs = new SqsDouble({ clock });
  const deadUrl = sqs.addQueue('dead.fifo');
  const workUrl = sqs.addQueue('work.fifo', {
    visibilitySeconds: WORK_VISIBILITY_SECONDS,
    deadLetters: { queue: 'dead.fifo', receivesMax: WORK_RECEIVES_MAX },
  });
  const delayUrl = sqs.addQueue('delay', { visibilitySeconds: WORK_VISIBILITY_SECONDS });
  const table = new TableConnection({ double: new TableDouble({ clock }) });
  const queue = new SqsWorkQueue({
    sqs,
    clock,
    random: seededRandom(1),
    dues: new TableDues({ table, clock, cluster: 'one' }),
    queueOf: () => workUrl,
    delayQueueUrl: delayUrl,
  });
  const log = silentLog;
  const isKnown = (): boolean => true;
  const sources = [
    new EventSource({
      sqs,
      queueUrl: workUrl,
      concurrency: 4,
      handler: handleMessages({ log, isKnown, handle: handler }),
    }),
    new EventSource({
      sqs,
      queueUrl: delayUrl,
      concurrency: 2,
      handler: forwardMessages({ log, isKnown, forward: (message, id) => queue.forward(message, id) }),
    }),
  ];
  return {
    queue,
    dead: () => sqs.bodies(deadUrl).flatMap((body) => groupOf(readBody(body) ?? { controller: '?', key: '?' })),
    close: async () => {
      await Promise.all(sources.map((source) => source.stop()));
    },
  };
});
