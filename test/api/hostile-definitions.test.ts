import { beforeEach, describe, expect, test } from 'vitest';
import { testServer, type Answer, type TestServer } from '../../functions/apiserver/registry/test-server.js';
import { definitionOf, DEFINITIONS, objectOf } from '../../functions/apiserver/custom/test-definitions.js';

let server: TestServer;
beforeEach(() => {
  server = testServer();
});

const CRONTABS = '/apis/stable.example.com/v1/namespaces/default/crontabs';
type Json = Record<string, unknown>;
/** Far more than any of these takes on a slow machine, and far less than what an unbounded one would. */
const BOUND_MS = 20_000;

const define = (schema: Json): Promise<Answer> => server.request('POST', DEFINITIONS, definitionOf({ schema }));

async function bounded<T>(work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  expect(performance.now() - started).toBeLessThan(BOUND_MS);
  return result;
}

function nested(depth: number, wrap: (inner: Json) => Json): Json {
  let schema: Json = { type: 'string' };
  for (let level = 0; level < depth; level++) schema = wrap(schema);
  return { type: 'object', properties: { spec: schema } };
}

describe('schemas that are refused', () => {
  test.each<[string, Json, string]>([
    ['deep', nested(400, (inner) => ({ type: 'object', properties: { a: inner } })), 'must not nest deeper than'],
    ['deep in logic', { type: 'object', ...nested(400, (inner) => ({ allOf: [inner] })) }, 'must not nest deeper than'],
    [
      'referring to itself',
      { type: 'object', properties: { spec: { type: 'object', $ref: '#' } } },
      '$ref is not supported',
    ],
    ['with definitions', { type: 'object', definitions: { a: { type: 'string' } } }, 'definitions is not supported'],
    [
      'with a bad pattern',
      { type: 'object', properties: { a: { type: 'string', pattern: '(' } } },
      'must be a valid regular expression',
    ],
    [
      'with a look-behind',
      { type: 'object', properties: { a: { type: 'string', pattern: '(?<=a)b' } } },
      'must be a valid regular expression',
    ],
    [
      'with unique items',
      { type: 'object', properties: { a: { type: 'array', uniqueItems: true, items: { type: 'string' } } } },
      'quadratic',
    ],
    [
      'with a default that does not fit',
      { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
      'must be of type integer',
    ],
    [
      'with an expression that nests',
      { type: 'object', 'x-kubernetes-validations': [{ rule: `${'('.repeat(2_000)}true${')'.repeat(2_000)}` }] },
      'recursion limit exceeded',
    ],
  ])('%s', async (_name, schema, message) => {
    const answer = await bounded(() => define(schema));
    expect(answer.status, answer.text.slice(0, 500)).toBe(422);
    expect(answer.json.message).toContain(message);
  });

  test('too large for a request', async () => {
    const answer = await define({ type: 'object', description: 'x'.repeat(4 * 1024 * 1024) });
    expect(answer.status).toBe(413);
  });
});

describe('what one object may cause', () => {
  test('patterns that explode elsewhere take time linear in the text', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+(a+)+(a|aa)+b$' } } };
    expect((await define(schema)).status).toBe(201);
    const answer = await bounded(() => server.request('POST', CRONTABS, objectOf('a', { a: 'a'.repeat(50_000) })));
    expect(answer.status).toBe(422);
  });

  test('patterns that count are not matched with long texts, and cost the same in rules', async () => {
    const pattern = '((a{1,100}){1,10})*$';
    const maxLength = 1_000_000;
    const schema = { type: 'object', properties: { a: { type: 'string', pattern }, b: { type: 'string', maxLength } } };
    const rule = { rule: `!has(self.b) || self.b.matches('${pattern}')` };
    expect((await define({ ...schema, 'x-kubernetes-validations': [rule] })).status).toBe(201);
    const text = `${'a'.repeat(900_000)}c`;
    const matched = await bounded(() => server.request('POST', CRONTABS, objectOf('a', { a: text })));
    expect(matched.json.message).toContain('more work than one request may cause');
    const ruled = await bounded(() => server.request('POST', CRONTABS, objectOf('a', { b: text })));
    expect(ruled.status).toBe(422);
    expect(ruled.json.message).toContain('takes too long');
  });

  test('defaults that make much of little are cut short, on every way in and out', async () => {
    const item = { type: 'object', properties: { a: { type: 'string' } } };
    const schema = (items: Json): Json => ({ type: 'object', properties: { list: { type: 'array', items } } });
    const list = Array.from({ length: 10_000 }, () => ({}));
    const defined = (await define(schema(item))).json;
    expect((await server.request('POST', CRONTABS, objectOf('a', { list }))).status).toBe(201);
    Object.assign(item.properties.a, { default: 'x'.repeat(100_000) });
    defined.spec.versions[0].schema.openAPIV3Schema = schema(item);
    expect((await server.request('PUT', `${DEFINITIONS}/crontabs.stable.example.com`, defined)).status).toBe(200);
    for (const [method, path] of [
      ['POST', CRONTABS],
      ['GET', `${CRONTABS}/a`],
      ['GET', CRONTABS],
    ] as const) {
      const body = method === 'POST' ? objectOf('b', { list }) : undefined;
      const answer = await bounded(() => server.request(method, path, body));
      expect(answer.json).toMatchObject({
        code: 413,
        message: expect.stringContaining('the defaults of its definition'),
      });
    }
  });

  test('thousands of patterns are not compiled', async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [
        `p${index}`,
        { type: 'string', pattern: `^[a-z]{${index % 900}}$` },
      ]),
    );
    const answer = await bounded(() => define({ type: 'object', properties }));
    expect(answer.status).toBe(422);
    expect(answer.json.message).toContain('must not have patterns that are larger together');
  });

  test('many patterns on a long text are cut short', async () => {
    const allOf = Array.from({ length: 200 }, (_, index) => ({ pattern: `^(x|a)*${index}?$` }));
    expect((await define({ type: 'object', properties: { a: { type: 'string', allOf } } })).status).toBe(201);
    const answer = await bounded(() => server.request('POST', CRONTABS, objectOf('a', { a: 'a'.repeat(200_000) })));
    expect(answer.status).toBe(422);
    expect(answer.json.message).toContain('more work than one request may cause');
  });

  test('many branches on many elements are cut short', async () => {
    let branch: Json = { minimum: 0 };
    for (let level = 0; level < 9; level++) branch = { allOf: [branch, branch] };
    const schema = { type: 'object', properties: { list: { type: 'array', items: { type: 'integer', ...branch } } } };
    expect((await define(schema)).status).toBe(201);
    const list = Array.from({ length: 100_000 }, () => 1);
    const answer = await bounded(() => server.request('POST', CRONTABS, objectOf('a', { list })));
    expect(answer.json.message).toContain('more work than one request may cause');
  });

  test('rules run on a budget', async () => {
    const schema = {
      type: 'object',
      properties: {
        list: {
          type: 'array',
          maxItems: 1_700,
          items: { type: 'integer' },
          'x-kubernetes-validations': [{ rule: 'self.all(a, self.all(b, a + b < 1000000))' }],
        },
      },
    };
    const defined = await define(schema);
    expect(defined.status, defined.text.slice(0, 500)).toBe(422);
    schema.properties.list.maxItems = 700;
    expect((await define(schema)).status).toBe(201);
    const list = Array.from({ length: 700 }, () => 1);
    const answer = await bounded(() => server.request('POST', CRONTABS, objectOf('a', { list })));
    expect(answer.status).toBe(422);
    expect(answer.json.message).toContain(
      'no further validation rules will be run due to call cost exceeds limit for rule',
    );
  });

  test('objects as large as may be go through, larger ones do not', async () => {
    await define({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
    const large = await bounded(() => server.request('POST', CRONTABS, objectOf('a', { a: 'x'.repeat(1_400_000) })));
    expect(large.status).toBe(201);
    const over = await server.request('POST', CRONTABS, objectOf('b', { a: 'x'.repeat(2_000_000) }));
    expect(over.status).toBe(413);
  });
});

test('hundreds of definitions are served, each new one without making all of them anew', async () => {
  const COUNT = 120;
  for (let index = 0; index < COUNT; index++) {
    const answer = await server.request(
      'POST',
      DEFINITIONS,
      definitionOf({ kind: `Kind${index}`, group: `g${index % 20}.example.com` }),
    );
    expect(answer.status).toBe(201);
  }
  await bounded(async () => {
    const groups = (await server.request('GET', '/apis')).json.groups as { name: string }[];
    expect(groups.filter(({ name }) => name.endsWith('.example.com'))).toHaveLength(20);
    const { paths } = (await server.request('GET', '/openapi/v3')).json;
    expect(paths['apis/g7.example.com/v1']).toBeDefined();
    await server.request('POST', DEFINITIONS, definitionOf({ kind: 'Last', group: 'g7.example.com' }));
    const after = (await server.request('GET', '/openapi/v3')).json.paths;
    const changed = Object.keys(after).filter(
      (path) => after[path].serverRelativeURL !== paths[path]?.serverRelativeURL,
    );
    expect(changed).toEqual(['apis/g7.example.com/v1']);
  });
});
