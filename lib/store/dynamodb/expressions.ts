import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Condition, Item, ItemKey, TableQuery, Update, Value } from './table.js';

/** The parts of a request that name attributes and values by placeholders. */
export interface Placeholders {
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, AttributeValue>;
}

/** Writes DynamoDB's expressions; every name and value is a placeholder, since many names are reserved words. */
export class Expressions {
  readonly #names = new Map<string, string>();
  readonly #values: AttributeValue[] = [];

  condition(condition: Condition): string {
    switch (condition.kind) {
      case 'absent':
        return `attribute_not_exists(${this.#name('pk')})`;
      case 'equals':
        return `${this.#name(condition.name)} = ${this.#value(condition.value)}`;
      case 'below':
        return `${this.#name(condition.name)} < ${this.#value(condition.value)}`;
      case 'above':
        return `${this.#name(condition.name)} > ${this.#value(condition.value)}`;
      case 'missing':
        return `attribute_not_exists(${this.#name(condition.name)})`;
      case 'present':
        return `attribute_exists(${this.#name(condition.name)})`;
      case 'all':
      case 'any':
        return condition.of
          .map((part) => `(${this.condition(part)})`)
          .join(condition.kind === 'all' ? ' AND ' : ' OR ');
    }
  }

  update({ set, copy, add, remove }: Update): string {
    const sets = [
      ...Object.entries(set ?? {}).map(([name, value]) => `${this.#name(name)} = ${this.#value(value)}`),
      ...Object.entries(copy ?? {}).map(([name, from]) => `${this.#name(name)} = ${this.#name(from)}`),
      ...Object.entries(add ?? {}).map(
        ([name, { by, from }]) =>
          `${this.#name(name)} = if_not_exists(${this.#name(name)}, ${this.#value(from)}) + ${this.#value(by)}`,
      ),
    ];
    const removes = (remove ?? []).map((name) => this.#name(name));
    const parts = [
      ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
      ...(removes.length > 0 ? [`REMOVE ${removes.join(', ')}`] : []),
    ];
    return parts.join(' ');
  }

  keyCondition({ partition, prefix, from, to }: TableQuery): string {
    const pk = `${this.#name('pk')} = ${this.#value(partition)}`;
    const sk = (): string => this.#name('sk');
    if (prefix !== undefined && prefix !== '') return `${pk} AND begins_with(${sk()}, ${this.#value(prefix)})`;
    if (from !== undefined && to !== undefined)
      return `${pk} AND ${sk()} BETWEEN ${this.#value(from)} AND ${this.#value(to)}`;
    if (from !== undefined) return `${pk} AND ${sk()} >= ${this.#value(from)}`;
    return to === undefined ? pk : `${pk} AND ${sk()} <= ${this.#value(to)}`;
  }

  /** What all expressions written so far refer to. */
  placeholders(): Placeholders {
    return {
      ...(this.#names.size === 0
        ? {}
        : { ExpressionAttributeNames: Object.fromEntries([...this.#names].map(([name, place]) => [place, name])) }),
      ...(this.#values.length === 0
        ? {}
        : {
            ExpressionAttributeValues: Object.fromEntries(this.#values.map((value, index) => [`:v${index}`, value])),
          }),
    };
  }

  #name(name: string): string {
    let place = this.#names.get(name);
    if (place === undefined) this.#names.set(name, (place = `#n${this.#names.size}`));
    return place;
  }

  #value(value: Value): string {
    this.#values.push(toAttribute(value));
    return `:v${this.#values.length - 1}`;
  }
}

export function toAttribute(value: Value): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  return typeof value === 'boolean' ? { BOOL: value } : { B: value };
}

export function toAttributes(item: Item): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(item)) if (value !== undefined) attributes[name] = toAttribute(value);
  return attributes;
}

export function toKey({ pk, sk }: ItemKey): Record<string, AttributeValue> {
  return { pk: { S: pk }, sk: { S: sk } };
}

/** Attributes of types that this store never writes are left out. */
export function fromAttributes(attributes: Record<string, AttributeValue>): Item {
  const item: Record<string, Value> = {};
  for (const [name, { S, N, BOOL, B }] of Object.entries(attributes)) {
    const value = S ?? (N === undefined ? undefined : Number(N)) ?? BOOL ?? B;
    if (value !== undefined) item[name] = value;
  }
  return { ...item, pk: String(item['pk']), sk: String(item['sk']) };
}
