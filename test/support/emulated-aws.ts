import { ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { makeDynamoDbClient } from '../../lib/store/dynamodb/sdk-table.js';
import { makeSqsClient } from '../../lib/work/sqs/sdk-sqs.js';
import { EMULATOR_ACCOUNT, EMULATOR_REGION } from '../../scripts/emulator/ministack.js';
import { eventually } from './eventually.js';

/** Looks behind a cluster that is deployed to an emulator. */
export class EmulatedAws {
  readonly #endpoint: string;
  readonly #sqs: SQSClient;
  readonly #config: ConstructorParameters<typeof SQSClient>[0];

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
    this.#config = {
      endpoint,
      region: EMULATOR_REGION,
      credentials: { accessKeyId: EMULATOR_ACCOUNT, secretAccessKey: 'test' },
    };
    this.#sqs = makeSqsClient(this.#config);
  }

  async queueUrls(): Promise<string[]> {
    return (await this.#sqs.send(new ListQueuesCommand({}))).QueueUrls ?? [];
  }

  /** All items of all tables, with the name of each one's table. */
  async items(): Promise<{ table: string; item: Record<string, AttributeValue> }[]> {
    const client = makeDynamoDbClient(this.#config);
    const { TableNames = [] } = await client.send(new ListTablesCommand({}));
    const all: { table: string; item: Record<string, AttributeValue> }[] = [];
    for (const table of TableNames) {
      let from: Record<string, AttributeValue> | undefined;
      do {
        const page = await client.send(new ScanCommand({ TableName: table, ExclusiveStartKey: from }));
        for (const item of page.Items ?? []) all.push({ table, item });
        from = page.LastEvaluatedKey;
      } while (from !== undefined);
    }
    return all;
  }

  /**
   * Queues a key for the controllers and lets SQS give up on it: while their function is not asked, the message is received, and not deleted,
   * as often as the queue allows.
   */
  async deadLetter(message: { controller: string; key: string }): Promise<void> {
    const queueUrl = (await this.queueUrls()).find((url) => /QueuesWork/.test(url)) ?? '';
    await eventually(async () => {
      if ((await this.#count(queueUrl)) > 0) throw new Error('the controllers are at work');
    }, 60_000);
    await this.#switch('QueuesWork', false);
    try {
      const body = JSON.stringify({ ...message, deduplicationId: 'letter', attempt: 0 });
      await this.#sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: body,
          MessageGroupId: 'letter',
          MessageDeduplicationId: 'letter',
        }),
      );
      await eventually(async () => {
        await this.#sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, VisibilityTimeout: 0 }));
        if ((await this.#count(queueUrl)) > 0) throw new Error('the message is still there');
      });
    } finally {
      await this.#switch('QueuesWork', true);
    }
  }

  async #count(queueUrl: string): Promise<number> {
    const { Attributes = {} } = await this.#sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
    );
    return (
      Number(Attributes['ApproximateNumberOfMessages']) + Number(Attributes['ApproximateNumberOfMessagesNotVisible'])
    );
  }

  /** Whether Lambda polls a queue. */
  async #switch(queue: string, isOn: boolean): Promise<void> {
    const url = `${this.#endpoint}/2015-03-31/event-source-mappings`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${EMULATOR_ACCOUNT}/20260101/${EMULATOR_REGION}/lambda/aws4_request`;
    const list = (await (await fetch(url, { headers: { authorization } })).json()) as {
      EventSourceMappings: { UUID: string; EventSourceArn: string }[];
    };
    const mapping = list.EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn.includes(queue));
    const answer = await fetch(`${url}/${mapping?.UUID}`, {
      method: 'PUT',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ Enabled: isOn }),
    });
    if (!answer.ok) throw new Error(`the mapping of ${queue} was not changed: ${answer.status} ${await answer.text()}`);
  }
}
