import { expect, it } from 'vitest';
import { DOORBELL_NODE_TAG } from '../../lib/aws/function-environment.js';
import { FakeClock } from '../../lib/clock/fake.js';
import { MemoryDoorbell } from '../../lib/work/memory-doorbell.js';
import { doorbellQueueName, SqsDoorbell, SqsDoorbellListener } from '../../lib/work/sqs/sqs-doorbell.js';
import { DOORBELL_MISSING_RETRY_MS, QUEUE_NAME_MAX_CHARACTERS } from '../../lib/work/sqs/limits.js';
import { SqsDouble } from '../support/sqs-double.js';
import { doorbellContract } from './doorbell-contract.js';

doorbellContract('memory', (clock) => {
  const doorbell = new MemoryDoorbell(clock);
  return { doorbell, listener: (node) => doorbell.listener(node), close: () => doorbell.close() };
});

doorbellContract('sqs', (clock) => {
  const sqs = new SqsDouble({ clock });
  return {
    doorbell: new SqsDoorbell({ sqs, clock, cluster: 'one' }),
    listener: (node) => new SqsDoorbellListener({ sqs, clock, cluster: 'one', node }),
  };
});

it('a node whose queue comes after it has begun to listen looks at everything once', async () => {
  const clock = new FakeClock();
  const sqs = new SqsDouble({ clock });
  const doorbell = new SqsDoorbell({ sqs, clock, cluster: 'one' });
  const listener = new SqsDoorbellListener({ sqs, clock, cluster: 'one', node: 'node-1' });
  const stop = new AbortController();
  const before = listener.wait(stop.signal);
  await clock.advance(DOORBELL_MISSING_RETRY_MS);
  expect(await before).toBeUndefined();
  // The pod that this ring is for is on the node before the queue is.
  await doorbell.ring('node-1', ['core/pods']);
  await doorbell.add('node-1');
  expect(await listener.wait(stop.signal)).toBe('any');
  expect(sqs.tags.get(doorbellQueueName('one', 'node-1'))).toEqual({ [DOORBELL_NODE_TAG]: 'node-1' });
  const after = listener.wait(stop.signal);
  await clock.advance(30_000);
  expect(await after).toBeUndefined();
});

it('names of queues fit, and differ when nodes do', () => {
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}`;
  const names = ['a-b', 'a.b', long, `${long}.c`].map((node) => doorbellQueueName('c'.repeat(40), node));
  expect(new Set(names).size).toBe(4);
  for (const name of names) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(name.length).toBeLessThanOrEqual(QUEUE_NAME_MAX_CHARACTERS);
  }
});
