import * as fc from 'fast-check';
import type { Schema, SchemaSource } from '../schema.js';

/** A schema with every way in which Kubernetes merges and owns values, for tests. */
const TEXT: Schema = { type: 'string' };
const RECURSIVE: Schema = { $ref: '#/components/schemas/test.Recursive' };

export const EVERYTHING: Schema = {
  type: 'object',
  properties: {
    text: TEXT,
    number: { type: 'integer' },
    flag: { type: 'boolean' },
    anything: {},
    free: { type: 'object' },
    known: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { known: { type: 'object', properties: { x: TEXT } } },
    },
    set: { type: 'array', items: TEXT, 'x-kubernetes-list-type': 'set' },
    numbers: { type: 'array', items: { type: 'integer' }, 'x-kubernetes-list-type': 'set' },
    atomic: { type: 'array', items: TEXT },
    map: { type: 'object', additionalProperties: TEXT },
    sets: { type: 'object', additionalProperties: { type: 'array', items: TEXT, 'x-kubernetes-list-type': 'set' } },
    objects: { type: 'object', additionalProperties: { type: 'object', properties: { x: TEXT, y: TEXT } } },
    atomicMap: { type: 'object', additionalProperties: TEXT, 'x-kubernetes-map-type': 'atomic' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, x: TEXT },
      },
    },
    recursive: RECURSIVE,
    whole: { ...RECURSIVE, 'x-kubernetes-map-type': 'atomic' },
  },
};

const DEFINITIONS: Record<string, Schema> = {
  'test.Recursive': {
    type: 'object',
    properties: {
      name: TEXT,
      x: TEXT,
      items: {
        type: 'array',
        items: RECURSIVE,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      },
      next: RECURSIVE,
    },
  },
};

export const SOURCE: SchemaSource = { definition: (name) => DEFINITIONS[name] };

const word = fc.constantFrom('a', 'b', '<&>');
const small = fc.constantFrom(0, 1, 2, 10);
const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
const mapOf = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(fc.constantFrom('x', 'y', 'z', 'a/b'), value, { maxKeys: 3, noNullPrototype: true });
const free = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small', maxDepth: 3 }, word, small, words, mapOf(tie('value'))),
})).value;

const recursive = fc.letrec<{ node: object }>((tie) => ({
  node: fc.record(
    {
      name: word,
      x: word,
      items: fc.uniqueArray(
        fc.tuple(word, tie('node')).map(([name, node]) => ({ ...node, name })),
        { maxLength: 3, selector: ({ name }) => name, depthIdentifier: 'recursive' },
      ),
      next: fc.option(tie('node'), { nil: undefined, depthIdentifier: 'recursive', maxDepth: 3 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
})).node;

const port = fc.record(
  { port: fc.constantFrom(80, 443, 9), protocol: fc.constantFrom('TCP', 'UDP'), x: word },
  { requiredKeys: ['port'], noNullPrototype: true },
);

/** Objects of `EVERYTHING` without nulls and without members that are undefined. */
export const everything: fc.Arbitrary<object> = fc
  .record(
    {
      text: word,
      number: small,
      flag: fc.boolean(),
      anything: free,
      free: mapOf(free),
      known: fc.record({ known: fc.record({ x: word }), unknown: free }, { requiredKeys: [], noNullPrototype: true }),
      set: words,
      numbers: fc.uniqueArray(small, { maxLength: 3 }),
      atomic: fc.array(word, { maxLength: 3 }),
      map: mapOf(word),
      sets: mapOf(words),
      objects: mapOf(fc.record({ x: word, y: word }, { requiredKeys: [], noNullPrototype: true })),
      atomicMap: mapOf(word),
      ports: fc.uniqueArray(port, {
        maxLength: 3,
        selector: ({ port: number, protocol = 'TCP' }) => `${number}/${protocol}`,
      }),
      recursive,
      whole: recursive,
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((object) => JSON.parse(JSON.stringify(object)) as object);
