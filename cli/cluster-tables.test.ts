import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../lib/clock/system.js';
import { clusterTables, readOutputs } from './cluster-tables.js';

const answer = (outputs: Record<string, string>): string =>
  `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>zeroplane-demo</StackName><Outputs>${Object.entries(
    outputs,
  )
    .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
    .join('\n')}</Outputs><Tags><member><Key>a</Key><Value>b</Value></member></Tags></member></Stacks>`;

afterEach(() => vi.unstubAllEnvs());

/** CloudFormation, as it answers each request. */
async function cloudFormation<T>(status: number, body: string, work: (asked: string[]) => Promise<T>): Promise<T> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      asked.push(`${request.headers.authorization ?? ''} ${text}`);
      response.writeHead(status).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  try {
    return await work(asked);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

const open = (cluster = 'demo') => clusterTables({ cluster, region: 'eu-central-1' }, systemClock);

test('the outputs of a stack are read', () => {
  expect([...readOutputs(answer({ Url: 'https://a', ObjectsTable: 'one' }))]).toEqual([
    ['Url', 'https://a'],
    ['ObjectsTable', 'one'],
  ]);
  expect(readOutputs('<html>').size).toBe(0);
});

test('the tables of a cluster are those that its stack names, asked for with a signature', async () => {
  await cloudFormation(200, answer({ ObjectsTable: 'one', HeartbeatsTable: 'two' }), async (asked) => {
    const tables = await open();
    expect(Object.keys(tables)).toEqual(['table', 'heartbeatTable']);
    expect(asked).toEqual([
      expect.stringMatching(
        /^AWS4-HMAC-SHA256 .*eu-central-1\/cloudformation\/aws4_request.*Action=DescribeStacks.*StackName=zeroplane-demo$/,
      ),
    ]);
  });
});

test('what is wrong is said with what to do', async () => {
  await expect(open('No_Name')).rejects.toThrow('--cluster No_Name is not the name of a cluster');
  const missing =
    '<Error><Code>ValidationError</Code><Message>Stack with id zeroplane-demo does not exist</Message></Error>';
  await cloudFormation(400, missing, async () => {
    await expect(open()).rejects.toThrow(
      'there is no cluster demo in eu-central-1: deploy it first with npx cdk deploy',
    );
  });
  await cloudFormation(403, '<Error><Message>not authorized</Message></Error>', async () => {
    await expect(open()).rejects.toThrow('CloudFormation did not tell about the stack zeroplane-demo: not authorized');
  });
  await cloudFormation(200, answer({ Url: 'https://a' }), async () => {
    await expect(open()).rejects.toThrow('Deploy it again with: npx cdk deploy -c cluster=demo');
  });
});
