import type { DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { workFunction } from '../../functions/controllers/function.js';
import { dispatcherFunction } from '../../functions/dispatcher/function.js';
import { TableError } from '../../lib/store/dynamodb/table.js';
import { recordOf as queueRecord } from '../support/event-source.js';
import { CloudCluster, CONTEXT } from '../support/cloud-cluster.js';
import { recordOf } from '../support/stream-double.js';

// Other tests are at work on the same machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cluster: CloudCluster;
beforeAll(async () => {
  cluster = new CloudCluster({ nodes: 0 });
  await cluster.start();
  await cluster.clock.advance(5_000);
});
afterAll(() => cluster.stop());

const message = (controller: string, key = 'default/web'): string =>
  JSON.stringify({ controller, key, deduplicationId: 'x', attempt: 0 });

function queueEvent(...bodies: string[]): SQSEvent {
  return {
    Records: bodies.map((body, index) => queueRecord({ id: `m-${index}`, receipt: '', body }, cluster.workUrl)),
  };
}

/** What no message of ours is: trying again cannot help, so each is done with. */
const STRANGE: readonly [string, string][] = [
  ['no JSON', 'hello'],
  ['no object', '[]'],
  ['null', 'null'],
  ['nothing', ''],
  ['no key', '{"controller":"deployment"}'],
  ['a key of another type', '{"controller":"deployment","key":7,"deduplicationId":"x","attempt":0}'],
  ['an attempt that is none', '{"controller":"deployment","key":"a/b","deduplicationId":"x","attempt":"1"}'],
  ['a time that is none', '{"controller":"deployment","key":"a/b","deduplicationId":"x","attempt":0,"dueMs":null}'],
  ['a controller that nobody knows', message('nobody')],
  ['the name of an inherited property', message('constructor')],
  ['a giant', message('deployment', `default/${'x'.repeat(900_000)}`)],
  ['deep nesting', '['.repeat(5_000)],
];

describe('the functions behind queues', () => {
  it.each(STRANGE)('let go of %s, and do what is beside it', async (_what, body) => {
    for (const which of ['controllers', 'scheduler'] as const) {
      const handler = workFunction(cluster.parts(which), which);
      const good = which === 'controllers' ? message('deployment') : message('scheduler', 'pending');
      const reply = await cluster.drive(handler(queueEvent(body, good), CONTEXT));
      expect(reply).toEqual({ batchItemFailures: [] });
      expect(cluster.logged.some((line) => line.includes('nobody can handle'))).toBe(true);
    }
    const dispatcher = dispatcherFunction(cluster.parts('dispatcher'));
    expect(await cluster.drive(dispatcher(queueEvent(body), CONTEXT))).toEqual({ batchItemFailures: [] });
  });

  it('report the messages that could not be queued again, and only these', async () => {
    const parts = cluster.parts('dispatcher');
    const dispatcher = dispatcherFunction({
      ...parts,
      sqs: {
        ...parts.sqs,
        send: (url, messages) =>
          messages.some(({ body }) => body.includes('bad'))
            ? Promise.reject(new Error('refused'))
            : cluster.sqs.send(url, messages),
      } as typeof parts.sqs,
    });
    const event = queueEvent(message('deployment', 'default/good'), message('deployment', 'default/bad'));
    expect(await cluster.drive(dispatcher(event, CONTEXT))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm-1' }] });
  });

  it.each([undefined, null, {}, { Records: 7 }, { Records: [null] }, { Records: [{ body: 1 }] }])(
    'take %j for an event without messages',
    async (event) => {
      const handler = workFunction(cluster.parts('controllers'), 'controllers');
      expect(await cluster.drive(handler(event as unknown as SQSEvent, CONTEXT))).toEqual({ batchItemFailures: [] });
      const dispatcher = dispatcherFunction(cluster.parts('dispatcher'));
      expect(await cluster.drive(dispatcher(event as unknown as DynamoDBStreamEvent, CONTEXT))).toEqual({
        batchItemFailures: [],
      });
    },
  );
});

describe('the function behind the stream', () => {
  const slot = (more: object = {}) => ({
    pk: 'one/apps/deployments/log/0',
    sk: '0000000000000007',
    kind: 'event',
    key: 'default/web',
    op: 'x',
    at: 1,
    was: 0,
    wasLive: false,
    b: Buffer.from(JSON.stringify({ metadata: { namespace: 'default', name: 'web' } })),
    ...more,
  });

  async function dispatch(...items: ReturnType<typeof slot>[]): Promise<{ reply: unknown; queued: string[] }> {
    const dispatcher = dispatcherFunction(cluster.parts('dispatcher'));
    const records = items.map((item, index) => recordOf(item, `s-${index}`));
    const before = cluster.logged.length;
    const queued: string[] = [];
    const { sqs } = cluster;
    const send = sqs.send.bind(sqs);
    sqs.send = (url, messages) => {
      queued.push(...messages.map(({ body }) => body));
      return send(url, messages);
    };
    const reply = await cluster.drive(dispatcher({ Records: records }, CONTEXT));
    sqs.send = send;
    return { reply, queued: [...queued, ...cluster.logged.slice(before)] };
  }

  it.each([
    ['an item of another cluster', slot({ pk: 'two/apps/deployments/log/0' })],
    ['an object', slot({ pk: 'one/apps/deployments', kind: undefined })],
    ['a void', slot({ kind: 'void' })],
    ['a partition that is none', slot({ pk: 'one/log/0' })],
    ['a revision that is none', slot({ sk: 'seven' })],
    ['a body that is no JSON', slot({ b: Buffer.from('{') })],
    ['a body that is no object', slot({ b: Buffer.from('null') })],
    ['a body that does not inflate', slot({ b: undefined, z: Buffer.from('no') })],
    ['chunks that are gone', slot({ b: undefined, n: 3, nz: false })],
  ])('passes over %s, and queues what is beside it', async (_what, item) => {
    const { reply, queued } = await dispatch(
      item,
      slot({
        sk: '0000000000000009',
        key: 'default/beside',
        b: Buffer.from('{"metadata":{"namespace":"default","name":"beside"}}'),
      }),
    );
    expect(reply).toEqual({ batchItemFailures: [] });
    expect(queued.some((body) => body.includes('"deployment"') && body.includes('default/beside'))).toBe(true);
  });

  it('queues a key once for many changes of a batch, under the last one', async () => {
    const { queued } = await dispatch(
      slot({ sk: '0000000000000007' }),
      slot({ sk: '0000000000000008' }),
      slot({ sk: '0000000000000009' }),
    );
    const own = queued.filter((body) => body.includes('"controller":"deployment"'));
    expect(own).toHaveLength(1);
    expect(own[0]).toContain('s-2');
  });

  it('reports the first record that could not be read, with all before it queued', async () => {
    const parts = cluster.parts('dispatcher');
    const dispatcher = dispatcherFunction({
      ...parts,
      table: Object.assign(Object.create(parts.table as object) as typeof parts.table, {
        transactGet: () => Promise.reject(new TableError('throttled', 'away')),
      }),
    });
    const sent: string[] = [];
    const { sqs } = cluster;
    const send = sqs.send.bind(sqs);
    sqs.send = (url, messages) => (sent.push(...messages.map(({ body }) => body)), send(url, messages));
    const records = [
      recordOf(slot(), 's-0'),
      recordOf(slot({ key: 'default/large', b: undefined, n: 2, nz: false }), 's-1'),
    ];
    const reply = await cluster.drive(dispatcher({ Records: records }, CONTEXT));
    sqs.send = send;
    expect(sent.some((body) => body.includes('"controller":"deployment"'))).toBe(true);
    expect(reply).toEqual({ batchItemFailures: [{ itemIdentifier: 's-1' }] });
  });
});
