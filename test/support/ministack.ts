import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { makeDynamoDbClient } from '../../lib/store/dynamodb/sdk-table.js';
import { isMiniStackInstalled } from '../../scripts/emulator/install-ministack.js';
import { EMULATOR_ACCOUNT, EMULATOR_REGION, MiniStack as Emulator } from '../../scripts/emulator/ministack.js';

const CREDENTIALS = { accessKeyId: EMULATOR_ACCOUNT, secretAccessKey: 'test' };

/** Why MiniStack, an emulator of AWS, cannot run here, or undefined when it can. */
export function whyNoMiniStack(): string | undefined {
  return isMiniStackInstalled()
    ? undefined
    : 'MiniStack is not there: `npm run emulator -- --install-only` fetches it (needs Python 3.10 with venv)';
}

/** A running emulator with nothing in it, and clients for it. */
export class MiniStack extends Emulator {
  static override start(): Promise<MiniStack> {
    return super.start() as Promise<MiniStack>;
  }

  /** What every client of the SDK needs. */
  get client(): { region: string; endpoint: string; credentials: typeof CREDENTIALS } {
    return { region: EMULATOR_REGION, endpoint: this.endpoint, credentials: CREDENTIALS };
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
}
