import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { makeDynamoDbClient } from '../../lib/store/dynamodb/sdk-table.js';

/** A virtual environment of Python with MiniStack, an emulator of AWS: `python3 -m venv FOLDER && FOLDER/bin/pip install ministack`. */
const FOLDER = join(import.meta.dirname, '../../.cache/ministack/venv');
const PROGRAM = join(FOLDER, 'bin/ministack');
const START_TIMEOUT_MS = 60_000;

const REGION = 'us-east-1';
const CREDENTIALS = { accessKeyId: '000000000000', secretAccessKey: 'test' };

/** Why MiniStack cannot run here, or undefined when it can. */
export function whyNoMiniStack(): string | undefined {
  if (!existsSync(PROGRAM))
    return 'MiniStack is not there: `python3 -m venv .cache/ministack/venv && .cache/ministack/venv/bin/pip install ministack` gets it (needs Python 3.10)';
  try {
    execFileSync(join(FOLDER, 'bin/python'), ['-c', 'import ministack'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'MiniStack does not start: remove .cache/ministack and make it anew';
  }
}

/** A running emulator with nothing in it. */
export class MiniStack {
  readonly endpoint: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(endpoint: string, child: ChildProcess, folder: string) {
    this.endpoint = endpoint;
    this.#process = child;
    this.#folder = folder;
  }

  /** Starts one on a free port. Its functions see the environment given here besides their own. */
  static async start(): Promise<MiniStack> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'zeroplane-ministack-'));
    const child = spawn(PROGRAM, [], {
      cwd: folder,
      stdio: 'ignore',
      // A group of its own: the functions are processes too.
      detached: true,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        GATEWAY_PORT: String(port),
        BIND_HOST: '127.0.0.1',
        MINISTACK_HOST: '127.0.0.1',
      },
    });
    const endpoint = `http://127.0.0.1:${port}`;
    const emulator = new MiniStack(endpoint, child, folder);
    const deadlineMs = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        if ((await fetch(`${endpoint}/_ministack/health`)).ok) return emulator;
      } catch {
        // Not yet.
      }
      if (Date.now() > deadlineMs || child.exitCode !== null) {
        emulator.stop();
        throw new Error(`MiniStack did not start on port ${port}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** What every client of the SDK needs. */
  get client(): { region: string; endpoint: string; credentials: typeof CREDENTIALS } {
    return { region: REGION, endpoint: this.endpoint, credentials: CREDENTIALS };
  }

  dynamoDb(): DynamoDBClient {
    return makeDynamoDbClient(this.client);
  }

  async createTable(name: string, options: { stream?: boolean } = {}): Promise<string | undefined> {
    const { TableDescription } = await this.dynamoDb().send(
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
        ...(options.stream === true
          ? { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' as const } }
          : {}),
      }),
    );
    return TableDescription?.LatestStreamArn;
  }

  stop(): void {
    const { pid } = this.#process;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
