import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CreateTableCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { makeDynamoDbClient } from '../../lib/store/dynamodb/sdk-table.js';

/** Where scripts/fetch-dynamodb-local.ts puts it. */
const FOLDER = join(import.meta.dirname, '../../.cache/dynamodb-local');
const START_TIMEOUT_MS = 30_000;

/** Why DynamoDB Local cannot run here, or undefined when it can. */
export function whyNoDynamoDbLocal(): string | undefined {
  const jars = join(FOLDER, 'lib');
  if (!existsSync(jars) || !readdirSync(jars).some((name) => name.startsWith('DynamoDBLocal')))
    return 'DynamoDB Local is not there: `npx tsx scripts/fetch-dynamodb-local.ts` fetches it (needs Maven and Java 17)';
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Java is not there: install a runtime of version 17 or later';
  }
}

export interface DynamoDbLocal {
  client: DynamoDBClient;
  createTable: (name: string) => Promise<void>;
  stop: () => void;
}

/** Starts it in memory, on a free port. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const port = await freePort();
  const native = `-Djava.library.path=${join(FOLDER, 'lib')}`;
  const main = 'software.amazon.dynamodb.services.local.main.ServerRunner';
  const args = [
    native,
    '-cp',
    `${join(FOLDER, 'lib')}/*`,
    main,
    '-inMemory',
    '-disableTelemetry',
    '-port',
    String(port),
  ];
  const server = spawn('java', args, { stdio: 'ignore' });
  const client = makeDynamoDbClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
  });
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await client.send(new ListTablesCommand({}));
      break;
    } catch (error) {
      if (Date.now() > deadlineMs || server.exitCode !== null)
        throw new Error(`DynamoDB Local did not start on port ${port}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  return {
    client,
    createTable: async (name) => {
      await client.send(
        new CreateTableCommand({
          TableName: name,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
        }),
      );
    },
    stop: () => server.kill(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
