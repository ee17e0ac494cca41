import { beforeEach, describe, expect, test } from 'vitest';
import { testServer, type Answer, type TestServer } from '../registry/test-server.js';
import { definitionOf, DEFINITIONS, objectOf, type TestDefinition } from './test-definitions.js';

let server: TestServer;
beforeEach(() => {
  server = testServer();
});

const CRONTABS = '/apis/stable.example.com/v1/namespaces/default/crontabs';
type Json = Record<string, unknown>;

/** A schema with rules at its root and on its spec. */
function schemaOf(properties: Json, specRules: Json[] = [], rootRules: Json[] = []): Json {
  return {
    type: 'object',
    ...(rootRules.length === 0 ? {} : { 'x-kubernetes-validations': rootRules }),
    properties: {
      spec: {
        type: 'object',
        ...(specRules.length === 0 ? {} : { 'x-kubernetes-validations': specRules }),
        properties,
      },
    },
  };
}

const define = (options: TestDefinition): Promise<Answer> => server.request('POST', DEFINITIONS, definitionOf(options));
const create = (name: string, spec: Json): Promise<Answer> =>
  server.request('POST', CRONTABS, objectOf(name, { spec }));
const causes = (answer: Answer): string[] =>
  (answer.json.details?.causes ?? []).map(
    ({ field, message }: { field: string; message: string }) => `${field}: ${message}`,
  );
const faults = async (properties: Json, rules: Json[]): Promise<string[]> =>
  causes(await define({ schema: schemaOf(properties, rules) })).map((text) => text.replace(/ \| .*$/s, ''));

const INTEGERS = { min: { type: 'integer' }, max: { type: 'integer' } };
const SPEC = 'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0]';

describe('rules', () => {
  test('are evaluated, and their messages told', async () => {
    const rules = [
      { rule: 'self.min <= self.max', message: 'min must not be above max', fieldPath: '.min' },
      {
        rule: 'self.max < 100',
        messageExpression: '"max is " + string(self.max) + ", too much"',
        reason: 'FieldValueForbidden',
      },
      { rule: 'self.min > -1' },
    ];
    expect((await define({ schema: schemaOf(INTEGERS, rules) })).status).toBe(201);
    expect((await create('a', { min: 1, max: 2 })).status).toBe(201);
    expect(causes(await create('b', { min: 300, max: 200 }))).toEqual([
      'spec.min: Invalid value: min must not be above max',
      'spec: Forbidden: max is 200, too much',
    ]);
    expect(causes(await create('c', { min: -5, max: 2 }))).toEqual(['spec: Invalid value: failed rule: self.min > -1']);
    expect(causes(await create('d', { min: 1 }))).toEqual([
      'spec: Invalid value: "object": no such key: max evaluating rule: min must not be above max',
      'spec: Invalid value: "object": no such key: max evaluating rule: self.max < 100',
    ]);
  });

  test('compare with what was before, by the keys of lists', async () => {
    const items = {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, size: { type: 'integer' } },
      'x-kubernetes-validations': [{ rule: 'self.size >= oldSelf.size', message: 'must not shrink' }],
    };
    const properties = {
      fixed: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'is immutable' }] },
      once: {
        type: 'string',
        'x-kubernetes-validations': [
          { rule: 'oldSelf.hasValue() || self == "first"', optionalOldSelf: true, message: 'starts as first' },
        ],
      },
      volumes: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items },
    };
    const defined = await define({ schema: schemaOf(properties) });
    expect(defined.status, defined.text).toBe(201);
    expect(causes(await create('a', { once: 'second' }))).toEqual([
      'spec.once: Invalid value: "second": starts as first',
    ]);
    const created = await create('a', {
      fixed: 'x',
      once: 'first',
      volumes: [
        { name: 'one', size: 2 },
        { name: 'two', size: 2 },
      ],
    });
    expect(created.status, created.text).toBe(201);
    const put = (spec: Json): Promise<Answer> => server.request('PUT', `${CRONTABS}/a`, { ...created.json, spec });
    expect(causes(await put({ fixed: 'y', once: 'any', volumes: [{ name: 'two', size: 1 }] }))).toEqual([
      'spec.fixed: Invalid value: "y": is immutable',
      'spec.volumes[0]: Invalid value: must not shrink',
    ]);
    expect((await put({ fixed: 'x', once: 'any', volumes: [{ name: 'two', size: 3 }] })).status).toBe(200);
  });

  test('see what types say: metadata, sets, quantities, escaped names', async () => {
    const properties = {
      'a-b': { type: 'string' },
      namespace: { type: 'string' },
      tags: { type: 'array', maxItems: 10, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 10 } },
      size: { 'x-kubernetes-int-or-string': true, maxLength: 20 },
      at: { type: 'string', format: 'date-time' },
      ratio: { type: 'number' },
    };
    const rules = [
      { rule: 'self.a__dash__b == "x" && self.__namespace__ == "y"' },
      { rule: 'self.tags == ["b", "a"]' },
      { rule: 'type(self.size) == string && quantity(self.size).isGreaterThan(quantity("1Mi"))' },
      { rule: 'self.at < timestamp("2030-01-01T00:00:00Z") && self.ratio < 1.5' },
    ];
    const defined = await define({
      schema: schemaOf(properties, rules, [{ rule: 'self.metadata.name.startsWith("a")' }]),
    });
    expect(defined.status, defined.text).toBe(201);
    const spec = { 'a-b': 'x', namespace: 'y', tags: ['a', 'b'], size: '2Mi', at: '2024-01-01T00:00:00Z', ratio: 1 };
    expect(causes(await create('a', spec))).toEqual([]);
    expect(causes(await create('b', spec))).toEqual([
      '<nil>: Invalid value: failed rule: self.metadata.name.startsWith("a")',
    ]);
  });

  test('and all else only warn about what an update does not touch', async () => {
    const crd = await define({
      schema: schemaOf({ ...INTEGERS, name: { type: 'string' }, other: { type: 'string' } }),
    });
    const created = await create('a', { min: 500, name: 'UPPER', other: 'x' });
    const schema = schemaOf({
      ...INTEGERS,
      min: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self < 100', message: 'too much' }] },
      name: { type: 'string', pattern: '^[a-z]+$' },
      other: { type: 'string' },
    });
    const spec = {
      ...crd.json.spec,
      versions: [{ ...crd.json.spec.versions[0], schema: { openAPIV3Schema: schema } }],
    };
    const path = `${DEFINITIONS}/crontabs.stable.example.com`;
    expect((await server.request('PUT', path, { ...crd.json, spec })).status).toBe(200);
    const put = (changed: Json): Promise<Answer> =>
      server.request('PUT', `${CRONTABS}/a`, { ...created.json, spec: { ...created.json.spec, ...changed } });
    expect(causes(await put({ other: 'y', min: 501, name: 'OTHER' }))).toEqual([
      `spec.name: Invalid value: "OTHER": spec.name in body should match '^[a-z]+$'`,
      'spec.min: Invalid value: 501: too much',
    ]);
    const ratcheted = await put({ other: 'y' });
    expect(ratcheted.status, ratcheted.text).toBe(200);
    expect(ratcheted.headers.get('warning')).toContain('spec.min: Invalid value: 500: too much');
  });
});

describe('rules that are refused', () => {
  test('do not compile, or have a wrong form', async () => {
    expect(await faults(INTEGERS, [{ rule: 'self.nope' }])).toEqual([
      `${SPEC}.rule: Invalid value: {"rule":"self.nope"}: compilation failed: ERROR: <input>:1:5: undefined field 'nope'\n`,
    ]);
    expect(await faults(INTEGERS, [{ rule: 'self.min' }])).toEqual([
      `${SPEC}.rule: Invalid value: {"rule":"self.min"}: cel expression must evaluate to a bool`,
    ]);
    expect(await faults(INTEGERS, [{ rule: ' ' }])).toEqual([`${SPEC}.rule: Required value: rule is not specified`]);
    const [reason, fieldPath] = await faults(INTEGERS, [{ rule: 'true', reason: 'Why', fieldPath: '.nope' }]);
    expect(reason).toContain('.reason: Unsupported value: "Why": supported values: "FieldValueDuplicate", ');
    expect(fieldPath).toBe(`${SPEC}.fieldPath: Invalid value: ".nope": must be a valid path`);
    expect(await faults(INTEGERS, [{ rule: 'true', messageExpression: '1' }])).toEqual([
      `${SPEC}.messageExpression: Invalid value: {"rule":"true","messageExpression":"1"}: messageExpression must evaluate to a string`,
    ]);
  });

  test('cost too much', async () => {
    const list = (more: Json, items: Json): Json => ({
      list: { type: 'array', ...more, items: { type: 'string', ...items } },
    });
    const nested = { rule: 'self.list.all(a, self.list.all(b, a == b))' };
    const tooMuch =
      /exceeds budget by factor of (more than 100x|[0-9.]+x) \(try simplifying the rule, or adding maxItems, maxProperties, and maxLength/;
    const [unbounded] = await faults(list({}, {}), [nested]);
    expect(unbounded).toMatch(/^spec.*rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x/);
    expect(unbounded).toMatch(tooMuch);
    expect(await faults(list({ maxItems: 100 }, { maxLength: 10 }), [nested])).toEqual([]);
    const text = { text: { type: 'string' } };
    expect(
      (
        await faults(
          {
            many: {
              type: 'array',
              items: {
                type: 'object',
                properties: text,
                'x-kubernetes-validations': [{ rule: 'self.text.contains("aaaaaaaaaaaaaaaaaaaa")' }],
              },
            },
          },
          [],
        )
      )[0],
    ).toMatch(tooMuch);
  });

  test('compare what cannot be compared', async () => {
    const items = { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] };
    const [fault] = await faults({ list: { type: 'array', maxItems: 5, items } }, []);
    expect(fault).toContain('oldSelf cannot be used on the uncorrelatable portion of the schema within');
  });
});
