import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type {
  AttributeValue,
  ConsumedCapacity,
  DynamoDBClientConfig,
  TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../clock/clock.js';
import { Expressions, fromAttributes, toAttributes, toKey } from './expressions.js';
import { REQUEST_TIMEOUT_MS } from './limits.js';
import { toTableError } from './sdk-errors.js';
import type { Condition, Item, ItemKey, QueryPage, Table, TableQuery, TransactionWrite, Update } from './table.js';

/**
 * A client as the store needs it. It sends each request once: the store itself repeats, since it must know what may have been sent.
 * Region, credentials and an endpoint come from the environment unless given.
 */
export function makeDynamoDbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({ ...config, maxAttempts: 1 });
}

export interface SdkTableOptions {
  client: DynamoDBClient;
  tableName: string;
  clock: Clock;
  /** Told what each request used, as DynamoDB says it. */
  onConsumed?: (operation: string, capacity: readonly ConsumedCapacity[]) => void;
}

/** The table port over the SDK. */
export class SdkTable implements Table {
  readonly #client: DynamoDBClient;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #onConsumed: SdkTableOptions['onConsumed'];

  constructor(options: SdkTableOptions) {
    this.#client = options.client;
    this.#name = options.tableName;
    this.#clock = options.clock;
    this.#onConsumed = options.onConsumed;
  }

  async getItem(key: ItemKey): Promise<Item | undefined> {
    const command = new GetItemCommand({ ...this.#common(), Key: toKey(key), ConsistentRead: true });
    const { Item: found, ConsumedCapacity: used } = await this.#send((abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    this.#consumed('getItem', used);
    return found === undefined ? undefined : fromAttributes(found);
  }

  async query(query: TableQuery): Promise<QueryPage> {
    const expressions = new Expressions();
    const command = new QueryCommand({
      ...this.#common(),
      KeyConditionExpression: expressions.keyCondition(query),
      ...expressions.placeholders(),
      ConsistentRead: true,
      ...(query.limit === undefined ? {} : { Limit: query.limit }),
      ...(query.after === undefined ? {} : { ExclusiveStartKey: toKey({ pk: query.partition, sk: query.after }) }),
    });
    const answer = await this.#send((abortSignal) => this.#client.send(command, { abortSignal }));
    this.#consumed('query', answer.ConsumedCapacity);
    const items = (answer.Items ?? []).map(fromAttributes);
    return answer.LastEvaluatedKey === undefined
      ? { items }
      : { items, next: fromAttributes(answer.LastEvaluatedKey).sk };
  }

  async transactGet(keys: readonly ItemKey[]): Promise<(Item | undefined)[]> {
    const command = new TransactGetItemsCommand({
      TransactItems: keys.map((key) => ({ Get: { TableName: this.#name, Key: toKey(key) } })),
      ...this.#returned(),
    });
    const answer = await this.#send((abortSignal) => this.#client.send(command, { abortSignal }), 'read');
    this.#consumed('transactGet', answer.ConsumedCapacity);
    return keys.map((_, index) => {
      const found = answer.Responses?.[index]?.Item;
      return found === undefined ? undefined : fromAttributes(found);
    });
  }

  async batchGet(keys: readonly ItemKey[]): Promise<{ items: Item[]; left: ItemKey[] }> {
    const command = new BatchGetItemCommand({
      RequestItems: { [this.#name]: { Keys: keys.map(toKey), ConsistentRead: true } },
      ...this.#returned(),
    });
    const answer = await this.#send((abortSignal) => this.#client.send(command, { abortSignal }));
    this.#consumed('batchGet', answer.ConsumedCapacity);
    const items = (answer.Responses?.[this.#name] ?? []).map(fromAttributes);
    const left = (answer.UnprocessedKeys?.[this.#name]?.Keys ?? []).map(fromAttributes);
    return { items, left };
  }

  async putItem(item: Item, condition?: Condition): Promise<void> {
    const expressions = new Expressions();
    const command = new PutItemCommand({
      ...this.#common(),
      Item: toAttributes(item),
      ...conditionOf(expressions, condition),
      ...expressions.placeholders(),
    });
    const answer = await this.#send((abortSignal) => this.#client.send(command, { abortSignal }));
    this.#consumed('putItem', answer.ConsumedCapacity);
  }

  async updateItem(key: ItemKey, update: Update, condition?: Condition): Promise<Item> {
    const expressions = new Expressions();
    const command = new UpdateItemCommand({
      ...this.#common(),
      Key: toKey(key),
      UpdateExpression: expressions.update(update),
      ...conditionOf(expressions, condition),
      ...expressions.placeholders(),
      ReturnValues: 'ALL_NEW',
      ...(condition === undefined ? {} : { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    });
    const answer = await this.#send((abortSignal) => this.#client.send(command, { abortSignal }));
    this.#consumed('updateItem', answer.ConsumedCapacity);
    return fromAttributes({ ...answer.Attributes, ...toKey(key) });
  }

  async transactWrite(writes: readonly TransactionWrite[], token: string): Promise<void> {
    const command = new TransactWriteItemsCommand({
      TransactItems: writes.map((write) => this.#transactionWrite(write)),
      ClientRequestToken: token,
      ...this.#returned(),
    });
    const answer = await this.#send((abortSignal) => this.#client.send(command, { abortSignal }));
    this.#consumed('transactWrite', answer.ConsumedCapacity);
  }

  #transactionWrite(write: TransactionWrite): TransactWriteItem {
    const expressions = new Expressions();
    const condition = conditionOf(expressions, write.condition);
    if ('put' in write) {
      const Item: Record<string, AttributeValue> = toAttributes(write.put);
      return { Put: { TableName: this.#name, Item, ...condition, ...expressions.placeholders() } };
    }
    const UpdateExpression = expressions.update(write.update);
    const Key = toKey(write.key);
    return { Update: { TableName: this.#name, Key, UpdateExpression, ...condition, ...expressions.placeholders() } };
  }

  #common(): { TableName: string; ReturnConsumedCapacity?: 'TOTAL' } {
    return { TableName: this.#name, ...this.#returned() };
  }

  #returned(): { ReturnConsumedCapacity?: 'TOTAL' } {
    return this.#onConsumed === undefined ? {} : { ReturnConsumedCapacity: 'TOTAL' };
  }

  #consumed(operation: string, capacity: ConsumedCapacity | ConsumedCapacity[] | undefined): void {
    if (capacity !== undefined) this.#onConsumed?.(operation, Array.isArray(capacity) ? capacity : [capacity]);
  }

  /** One request, abandoned when it takes too long. */
  async #send<T>(send: (abortSignal: AbortSignal) => Promise<T>, kind: 'read' | 'any' = 'any'): Promise<T> {
    const abort = new AbortController();
    const cancel = this.#clock.setTimer(REQUEST_TIMEOUT_MS, () => abort.abort());
    try {
      return await send(abort.signal);
    } catch (error) {
      throw toTableError(error, kind);
    } finally {
      cancel();
    }
  }
}

function conditionOf(expressions: Expressions, condition: Condition | undefined): { ConditionExpression?: string } {
  return condition === undefined ? {} : { ConditionExpression: expressions.condition(condition) };
}
