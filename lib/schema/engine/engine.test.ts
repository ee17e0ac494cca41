import { describe, expect, it } from 'vitest';
import { parseJson } from '../../json/parse.js';
import { builtinSchemas } from '../builtin/builtin-schemas.js';
import { REF_PREFIX, type Schema, type SchemaSource } from '../schema.js';
import { applyDefaults, coerceTypes, decodeObject, pruneUnknown, validateSchema } from './index.js';

const definitions: Record<string, Schema> = {
  'test.v1.Widget': {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object', additionalProperties: { type: 'string' } },
      spec: { default: {}, allOf: [{ $ref: `${REF_PREFIX}test.v1.WidgetSpec` }] },
      payload: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
    required: ['spec'],
  },
  'test.v1.WidgetSpec': {
    type: 'object',
    properties: {
      size: { type: 'integer', format: 'int32', minimum: 1, maximum: 10, default: 3 },
      color: { type: 'string', enum: ['blue', 'red'] },
      parts: { type: 'array', items: { $ref: `${REF_PREFIX}test.v1.Part` }, maxItems: 2 },
      name: { type: 'string', pattern: '^[a-z]+$', maxLength: 5, minLength: 2 },
      when: { type: 'string', format: 'date-time' },
      port: { 'x-kubernetes-int-or-string': true },
      note: { type: 'string', nullable: true, default: 'x' },
      children: { type: 'array', items: { $ref: `${REF_PREFIX}test.v1.WidgetSpec` } },
    },
    required: ['name'],
  },
  'test.v1.Part': {
    type: 'object',
    properties: {
      id: { type: 'string' },
      weight: { type: 'number', default: 1 },
      tags: { type: 'array', items: { type: 'string' }, uniqueItems: true },
    },
    required: ['id'],
  },
};
const source: SchemaSource = { definition: (name) => definitions[name] };
const widget = definitions['test.v1.Widget'] as Schema;
const builtin = builtinSchemas();

function deployment(changes: string): unknown {
  return parseJson(changes);
}

function decodeDeployment(text: string): ReturnType<typeof decodeObject> {
  return decodeObject({ $ref: `${REF_PREFIX}io.k8s.api.apps.v1.Deployment` }, deployment(text), builtin);
}

function decodePod(text: string): ReturnType<typeof decodeObject> {
  return decodeObject({ $ref: `${REF_PREFIX}io.k8s.api.core.v1.Pod` }, parseJson(text), builtin);
}

describe('decodeObject', () => {
  it('drops what the schema does not have, with its paths', () => {
    const { object, unknownPaths } = decodeDeployment(
      '{"spec":{"foo":1,"template":{"spec":{"containers":[{"name":"a"},{"bar":{"x":1},"name":"b"}]}}},"extra":null}',
    );
    expect(unknownPaths).toEqual(['spec.foo', 'spec.template.spec.containers[1].bar', 'extra']);
    expect(object).toEqual({ spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'b' }] } } } });
  });

  it.each([
    [
      '{"spec":{"replicas":"3"}}',
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":{"replicas":3.5}}',
      'json: cannot unmarshal number 3.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":{"replicas":3000000000}}',
      'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":{"paused":{}}}',
      'json: cannot unmarshal object into Go struct field DeploymentSpec.spec.paused of type bool',
    ],
    ['{"spec":[]}', 'json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec'],
    [
      '{"spec":{"template":{"spec":{"containers":{}}}}}',
      'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [
      '{"spec":{"template":{"spec":{"containers":[{"args":[1]}]}}}}',
      'json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.args of type string',
    ],
    [
      '{"metadata":{"labels":{"a":true}}}',
      'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      '{"metadata":{"labels":["a"]}}',
      'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
    [
      '{"metadata":{"creationTimestamp":"yesterday"}}',
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
    [
      '{"metadata":{"generation":9223372036854775808}}',
      'json: cannot unmarshal number 9223372036854775808 into Go struct field ObjectMeta.metadata.generation of type int64',
    ],
    ['[]', 'json: cannot unmarshal array into Go value of type v1.Deployment'],
  ])('refuses %s in the words of Go', (text, message) => {
    expect(() => decodeDeployment(text)).toThrow(message);
  });

  it('canonicalises quantities, times and base64, and drops nulls and empty optional collections', () => {
    const { object } = decodePod(
      JSON.stringify({
        metadata: { creationTimestamp: '2024-01-02T03:04:05.999+02:00', labels: {}, annotations: null, finalizers: [] },
        spec: {
          nodeName: null,
          tolerations: [],
          volumes: [{ name: 'v', emptyDir: {} }],
          containers: [{ name: 'a', args: ['x', null], resources: { requests: { cpu: 0.5, memory: '1024Mi' } } }],
        },
      }),
    );
    expect(object).toEqual({
      metadata: { creationTimestamp: '2024-01-02T01:04:05Z' },
      spec: {
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [{ name: 'a', args: ['x', ''], resources: { requests: { cpu: '500m', memory: '1Gi' } } }],
      },
    });
    const secret = { $ref: `${REF_PREFIX}io.k8s.api.core.v1.Secret` };
    expect(decodeObject(secret, { data: { a: 'aGVs\nbG8=', b: 'YR==', c: '' } }, builtin).object).toEqual({
      data: { a: 'aGVsbG8=', b: 'YQ==', c: '' },
    });
    expect(() => decodeObject(secret, { data: { a: 'a-b' } }, builtin)).toThrow('illegal base64 data at input byte 1');
  });

  it('does not change its input, and shares what it does not change', () => {
    const pod = { metadata: { name: 'a', labels: null }, spec: { containers: [{ name: 'x' }] } };
    const before = structuredClone(pod);
    const { object } = decodePod(JSON.stringify(pod));
    const again = decodeObject({ $ref: `${REF_PREFIX}io.k8s.api.core.v1.Pod` }, pod, builtin);
    expect(pod).toEqual(before);
    expect(again.object['spec']).toBe(pod.spec);
    expect(object).toEqual(again.object);
  });

  it('keeps a __proto__ key as data', () => {
    const configMap = { $ref: `${REF_PREFIX}io.k8s.api.core.v1.ConfigMap` };
    const { object } = decodeObject(configMap, parseJson('{"data":{"a":null,"__proto__":"x"}}'), builtin);
    expect(Object.entries(object['data'] as object)).toEqual([
      ['a', ''],
      ['__proto__', 'x'],
    ]);
  });
});

describe('coerceTypes', () => {
  it('keeps unknown members', () => {
    expect(coerceTypes(widget, { spec: { name: 'a', huh: 1, size: null } }, source)).toEqual({
      spec: { name: 'a', huh: 1 },
    });
  });
});

describe('pruneUnknown', () => {
  it('drops by the schema alone, keeps where it says so', () => {
    const paths: string[] = [];
    const object = {
      apiVersion: 'test/v1',
      metadata: { name: 'x' },
      spec: { nope: 1, parts: [{ id: 'a', z: 1 }], size: 'wrong type' },
      payload: { any: { thing: 1 } },
    };
    expect(pruneUnknown(widget, object, source, { paths })).toEqual({
      apiVersion: 'test/v1',
      metadata: { name: 'x' },
      spec: { parts: [{ id: 'a' }], size: 'wrong type' },
      payload: { any: { thing: 1 } },
    });
    expect(paths).toEqual(['spec.nope', 'spec.parts[0].z']);
  });
});

describe('applyDefaults', () => {
  it('fills in members recursively, in place of nulls too', () => {
    expect(
      applyDefaults(
        widget,
        { spec: { size: null, parts: [{ id: 'a' }, { id: 'b', weight: 0 }], name: null, note: null } },
        source,
      ),
    ).toEqual({
      spec: {
        size: 3,
        parts: [
          { id: 'a', weight: 1 },
          { id: 'b', weight: 0 },
        ],
        note: null,
      },
    });
    expect(applyDefaults(widget, {}, source)).toEqual({ spec: { size: 3, note: 'x' } });
  });

  it('writes no zero values of Go into built-in kinds', () => {
    const service = { $ref: `${REF_PREFIX}io.k8s.api.core.v1.Service` };
    expect(applyDefaults(service, { spec: { ports: [{ port: 1 }] } }, builtin, { goZeroValues: true })).toEqual({
      spec: { ports: [{ port: 1, protocol: 'TCP' }] },
    });
  });
});

describe('validateSchema', () => {
  const check = (spec: unknown): string[] =>
    validateSchema(widget, { spec }, source).map((error) => `${error.field}: ${error.body}`);

  it.each([
    [{ name: 'abc', size: 11 }, 'spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10'],
    [{ name: 'abc', size: 0 }, 'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1'],
    [
      { name: 'abc', size: 'x' },
      'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
    ],
    [{ name: 'abc', color: 'green' }, 'spec.color: Unsupported value: "green": supported values: "blue", "red"'],
    [{ name: 'ABC' }, `spec.name: Invalid value: "ABC": spec.name in body should match '^[a-z]+$'`],
    [{ name: 'abcdef' }, 'spec.name: Too long: may not be more than 5 bytes'],
    [{ name: 'a' }, 'spec.name: Invalid value: "a": spec.name in body should be at least 2 chars long'],
    [{}, 'spec.name: Required value'],
    [{ name: 'abc', parts: [{}] }, 'spec.parts[0].id: Required value'],
    [
      { name: 'abc', parts: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] },
      'spec.parts: Too many: 3: must have at most 2 items',
    ],
    [
      { name: 'abc', parts: [{ id: 'a', tags: ['x', 'x'] }] },
      `spec.parts[0].tags: Invalid value: "": spec.parts[0].tags in body shouldn't contain duplicates`,
    ],
    [
      { name: 'abc', when: 'now' },
      'spec.when: Invalid value: "now": spec.when in body must be of type date-time: "now"',
    ],
    [
      { name: 'abc', port: true },
      'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    ],
    [{ name: null }, 'spec.name: Invalid value: "null": spec.name in body must be of type string: "null"'],
  ])('says of %j what Kubernetes says', (spec, message) => {
    expect(check(spec)).toEqual([message]);
  });

  it('accepts what is right', () => {
    expect(check({ name: 'abc', size: 10, port: 'http', parts: [{ id: 'a', weight: 1 }], note: null })).toEqual([]);
    expect(check({ name: 'abc', children: [{ name: 'def', children: [{ name: 'ghi' }] }] })).toEqual([]);
  });

  it('combines schemas', () => {
    const schema: Schema = {
      type: 'object',
      properties: { v: { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 5 }] }, w: { not: { enum: ['a'] } } },
      oneOf: [{ required: ['v'] }, { required: ['w'] }],
    };
    const words = (value: unknown): string[] =>
      validateSchema(schema, value, source).map((error) => `${error.field}: ${error.body}`);
    expect(words({ v: 'x' })).toEqual([]);
    expect(words({ v: 3 })).toEqual([
      '<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)',
      'v: Invalid value: 3: v in body should be greater than or equal to 5',
    ]);
    expect(words({ v: 'x', w: 'b' })).toEqual([
      '<nil>: Invalid value: "": "" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ]);
    expect(words({ w: 'a' })).toEqual(['<nil>: Invalid value: "": "w" must not validate the schema (not)']);
  });

  it('asks of built-in kinds no members that Go would leave zero', () => {
    const deploymentSchema = { $ref: `${REF_PREFIX}io.k8s.api.apps.v1.Deployment` };
    const words = validateSchema(deploymentSchema, { spec: {} }, builtin, { goZeroValues: true });
    expect(words.map((error) => `${error.field}: ${error.body}`)).toEqual(['spec.selector: Required value']);
  });
});
