import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { FakeClock } from '../../clock/fake.js';
import { REQUEST_TIMEOUT_MS } from './limits.js';
import { SdkTable, makeDynamoDbClient } from './sdk-table.js';
import type { TableErrorCode } from './table.js';

interface Sent {
  target: string;
  body: Record<string, unknown>;
}

type Answer = { statusCode: number; body: unknown } | 'silence' | Error;

/** The table over the real client, whose requests go nowhere. */
function tableThatHears(...answers: Answer[]): { table: SdkTable; sent: Sent[]; clock: FakeClock } {
  const sent: Sent[] = [];
  const clock = new FakeClock();
  const handle = async (
    request: { headers: Record<string, string>; body: Uint8Array },
    options?: { abortSignal?: AbortSignal },
  ): Promise<unknown> => {
    sent.push({
      target: String(request.headers['x-amz-target']).split('.')[1] ?? '',
      body: JSON.parse(Buffer.from(request.body).toString()) as Record<string, unknown>,
    });
    const answer = answers.shift() ?? { statusCode: 200, body: {} };
    if (answer instanceof Error) throw answer;
    if (answer === 'silence')
      return new Promise((_, reject) => {
        const abort = (): void => reject(Object.assign(new Error('aborted'), { name: 'AbortError' }));
        options?.abortSignal?.addEventListener('abort', abort);
      });
    const body = Readable.from([Buffer.from(JSON.stringify(answer.body))]);
    return {
      response: { statusCode: answer.statusCode, headers: { 'content-type': 'application/x-amz-json-1.0' }, body },
    };
  };
  const client = makeDynamoDbClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    // Only what the client calls of a handler.
    requestHandler: { handle, metadata: { handlerProtocol: 'http/1.1' } } as never,
  });
  return { table: new SdkTable({ client, tableName: 'objects', clock }), sent, clock };
}

const KEY = { pk: 'one/core/pods', sk: 'o/default/a' };
const WIRE_KEY = { pk: { S: KEY.pk }, sk: { S: KEY.sk } };

test('reads are strongly consistent, and items come back as they were written', async () => {
  const item = {
    ...WIRE_KEY,
    rev: { N: '7' },
    gone: { BOOL: false },
    b: { B: Buffer.from('bytes').toString('base64') },
  };
  const { table, sent } = tableThatHears(
    { statusCode: 200, body: { Item: item } },
    { statusCode: 200, body: { Items: [item], LastEvaluatedKey: WIRE_KEY } },
    { statusCode: 200, body: { Responses: [{ Item: item }, {}] } },
    { statusCode: 200, body: { Responses: { objects: [item] }, UnprocessedKeys: { objects: { Keys: [WIRE_KEY] } } } },
  );
  const expected = { ...KEY, rev: 7, gone: false, b: new Uint8Array(Buffer.from('bytes')) };
  expect(await table.getItem(KEY)).toEqual(expected);
  expect(await table.query({ partition: KEY.pk, prefix: 'o/', after: 'o/a', limit: 5 })).toEqual({
    items: [expected],
    next: KEY.sk,
  });
  expect(await table.transactGet([KEY, { ...KEY, sk: 'o/none' }])).toEqual([expected, undefined]);
  expect(await table.batchGet([KEY])).toEqual({ items: [expected], left: [KEY] });
  expect(sent[0]).toEqual({ target: 'GetItem', body: { TableName: 'objects', Key: WIRE_KEY, ConsistentRead: true } });
  expect(sent[1]?.body).toEqual({
    TableName: 'objects',
    KeyConditionExpression: '#n0 = :v0 AND begins_with(#n1, :v1)',
    ExpressionAttributeNames: { '#n0': 'pk', '#n1': 'sk' },
    ExpressionAttributeValues: { ':v0': { S: KEY.pk }, ':v1': { S: 'o/' } },
    ConsistentRead: true,
    Limit: 5,
    ExclusiveStartKey: { pk: { S: KEY.pk }, sk: { S: 'o/a' } },
  });
  expect(sent[3]?.body).toEqual({ RequestItems: { objects: { Keys: [WIRE_KEY], ConsistentRead: true } } });
});

test('conditions and updates are written as DynamoDB reads them', async () => {
  const { table, sent } = tableThatHears(
    { statusCode: 200, body: {} },
    { statusCode: 200, body: { Attributes: { next: { N: '4' } } } },
  );
  const condition = {
    kind: 'any',
    of: [
      { kind: 'absent' },
      {
        kind: 'all',
        of: [
          { kind: 'present', name: 'gone' },
          { kind: 'below', name: 'rev', value: 9 },
        ],
      },
    ],
  } as const;
  await table.putItem({ ...KEY, rev: 9, unset: undefined }, condition);
  const update = { set: { at: 5 }, copy: { markAt: 'at' }, add: { next: { by: 2, from: 1 } }, remove: ['ttl'] };
  expect(await table.updateItem(KEY, update)).toEqual({ ...KEY, next: 4 });
  expect(sent[0]?.body).toEqual({
    TableName: 'objects',
    Item: { ...WIRE_KEY, rev: { N: '9' } },
    ConditionExpression: '(attribute_not_exists(#n0)) OR ((attribute_exists(#n1)) AND (#n2 < :v0))',
    ExpressionAttributeNames: { '#n0': 'pk', '#n1': 'gone', '#n2': 'rev' },
    ExpressionAttributeValues: { ':v0': { N: '9' } },
  });
  expect(sent[1]?.body).toMatchObject({
    UpdateExpression: 'SET #n0 = :v0, #n1 = #n0, #n2 = if_not_exists(#n2, :v1) + :v2 REMOVE #n3',
    ExpressionAttributeNames: { '#n0': 'at', '#n1': 'markAt', '#n2': 'next', '#n3': 'ttl' },
    ReturnValues: 'ALL_NEW',
  });
});

test('a transaction carries its token and one condition for each write', async () => {
  const { table, sent } = tableThatHears();
  await table.transactWrite(
    [
      { put: { ...KEY, rev: 3 }, condition: { kind: 'equals', name: 'rev', value: 2 } },
      { key: { ...KEY, sk: 'chunk' }, update: { set: { ttl: 1 } } },
    ],
    'token',
  );
  expect(sent[0]?.body).toMatchObject({
    ClientRequestToken: 'token',
    TransactItems: [{ Put: { ConditionExpression: '#n0 = :v0' } }, { Update: { UpdateExpression: 'SET #n0 = :v0' } }],
  });
});

const failure = (type: string, more: object = {}, statusCode = 400): Answer => ({
  statusCode,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'why', ...more },
});

test.each<[TableErrorCode, Answer]>([
  ['condition-failed', failure('ConditionalCheckFailedException')],
  ['conflict', failure('TransactionConflictException')],
  ['throttled', failure('ProvisionedThroughputExceededException')],
  ['throttled', failure('ThrottlingException')],
  ['throttled', failure('RequestLimitExceeded')],
  ['timed-out', failure('InternalServerError', {}, 500)],
  ['timed-out', { statusCode: 503, body: {} }],
  ['timed-out', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })],
  ['refused', failure('ResourceNotFoundException')],
  ['refused', failure('AccessDeniedException')],
  ['too-large', failure('ValidationException', { message: 'Item size has exceeded the maximum allowed size' })],
  ['refused', failure('ValidationException', { message: 'One or more parameter values were invalid' })],
])('an answer is understood: %s', async (code, answer) => {
  const { table, sent } = tableThatHears(answer);
  await expect(table.putItem({ ...KEY, rev: 1 })).rejects.toMatchObject({ code });
  // The store repeats, not the client.
  expect(sent).toHaveLength(1);
});

test('a cancelled transaction tells why, write by write', async () => {
  const reasons = [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }, { Code: 'TransactionConflict' }];
  const { table } = tableThatHears(failure('TransactionCanceledException', { CancellationReasons: reasons }));
  await expect(table.transactWrite([{ put: { ...KEY, rev: 1 } }], 'token')).rejects.toMatchObject({
    code: 'cancelled',
    reasons: ['none', 'condition-failed', 'conflict'],
  });
  const reading = tableThatHears(failure('TransactionCanceledException', { CancellationReasons: reasons.slice(2) }));
  await expect(reading.table.transactGet([KEY])).rejects.toMatchObject({ code: 'conflict' });
});

test('a request without an answer is given up, and may have been carried out', async () => {
  const { table, clock } = tableThatHears('silence');
  const reading = table.getItem(KEY);
  const failed = expect(reading).rejects.toMatchObject({ code: 'timed-out' });
  await clock.advance(REQUEST_TIMEOUT_MS);
  await failed;
  expect(clock.pendingTimers).toBe(0);
});
