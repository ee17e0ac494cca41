import { expect, it } from 'vitest';
import { MemoryDoorbell } from '../../lib/work/memory-doorbell.js';
import { doorbellQueueName, SqsDoorbell, SqsDoorbellListener } from '../../lib/work/sqs/sqs-doorbell.js';
import { QUEUE_NAME_MAX_CHARACTERS } from '../../lib/work/sqs/limits.js';
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

it('names of queues fit, and differ when nodes do', () => {
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}`;
  const names = ['a-b', 'a.b', long, `${long}.c`].map((node) => doorbellQueueName('c'.repeat(40), node));
  expect(new Set(names).size).toBe(4);
  for (const name of names) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(name.length).toBeLessThanOrEqual(QUEUE_NAME_MAX_CHARACTERS);
  }
});
