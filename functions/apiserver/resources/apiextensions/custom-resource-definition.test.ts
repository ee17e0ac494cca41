import { expect, test } from 'vitest';
import type { V1CustomResourceDefinition } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { customResourceDefinition } from './custom-resource-definition.js';

const tester = kindTester<V1CustomResourceDefinition>(customResourceDefinition);
const metadata = { name: 'things.example.com' };
const version = {
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } },
};
const spec = {
  group: 'example.com',
  names: { plural: 'things', kind: 'Thing' },
  scope: 'Namespaced',
  versions: [version],
};
const withSchema = (openAPIV3Schema: object): object => ({
  ...spec,
  versions: [{ ...version, schema: { openAPIV3Schema } }],
});
const SCHEMA = 'spec.versions[0].schema.openAPIV3Schema';

test('defaults', () => {
  const created = tester.create({ metadata, spec });
  expect(created.spec).toMatchObject({
    names: { singular: 'thing', listKind: 'ThingList' },
    conversion: { strategy: 'None' },
  });
  expect(created.status).toMatchObject({ storedVersions: ['v1'] });
});

test.each<[object, string[]]>([
  [spec, []],
  [
    { ...spec, group: 'example' },
    [
      'metadata.name: Invalid value: "things.example.com": must be spec.names.plural+"."+spec.group',
      'spec.group: Invalid value: "example": should be a domain with at least one dot',
    ],
  ],
  [
    { ...spec, scope: 'Galaxy' },
    ['spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
  ],
  [
    { ...spec, names: { ...spec.names, kind: 'A Thing', listKind: 'A Thing' } },
    [
      "spec.names.singular: Invalid value: \"a thing\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      "spec.names.kind: Invalid value: \"A Thing\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      "spec.names.listKind: Invalid value: \"A Thing\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      'spec.names.listKind: Invalid value: "A Thing": kind and listKind may not be the same',
    ],
  ],
  [{ ...spec, versions: [{ ...version, schema: undefined }] }, [`${SCHEMA}: Required value`]],
  [withSchema({}), [`${SCHEMA}.type: Required value: must not be empty at the root`]],
  [
    withSchema({
      type: 'object',
      properties: { a: {}, b: { type: 'array' }, c: { 'x-kubernetes-int-or-string': true }, d: { type: 'file' } },
      additionalProperties: true,
    }),
    [
      `${SCHEMA}.additionalProperties: Forbidden: must not be used at the root`,
      `${SCHEMA}.properties[a].type: Required value: must not be empty for specified object fields`,
      `${SCHEMA}.properties[b].items: Required value: must be specified`,
      `${SCHEMA}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
      `${SCHEMA}.properties[d].type: Unsupported value: "file": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ],
  ],
  [
    withSchema({
      type: 'object',
      properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
    }),
    [
      `${SCHEMA}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ],
  ],
  [
    withSchema({ type: 'object', anyOf: [{ type: 'object' }], not: { default: 1 } }),
    [
      `${SCHEMA}.anyOf[0].type: Forbidden: must be empty to be structural`,
      `${SCHEMA}.not.default: Forbidden: must be undefined to be structural`,
    ],
  ],
])('validation of %j', (given, errors) => {
  expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
});

test('exactly one version is stored', () => {
  const both = { ...spec, versions: [version, { ...version, name: 'v2' }] };
  expect(tester.createErrors({ metadata, spec: both }).map((text) => text.replace(/\[\{.*\}\]/, '[…]'))).toEqual([
    'spec.versions: Invalid value: […]: must have exactly one version marked as storage version',
  ]);
});

test('groups of the community need approval', () => {
  const guarded = { metadata: { name: 'things.x.k8s.io' }, spec: { ...spec, group: 'x.k8s.io' } };
  expect(tester.createErrors(guarded)).toEqual([
    'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
  ]);
  const annotations = { 'api-approved.kubernetes.io': 'unapproved, an experiment' };
  expect(tester.createErrors({ ...guarded, metadata: { ...guarded.metadata, annotations } })).toEqual([]);
});

test('what stays', () => {
  const old = tester.create({ metadata, spec });
  old.status = { ...old.status, conditions: [{ type: 'Established', status: 'True' }] } as typeof old.status;
  const renamed = { ...old, spec: { ...old.spec, scope: 'Cluster', versions: [{ ...version, name: 'v2' }] } };
  expect(tester.updateErrors(renamed, old)).toEqual([
    'spec.scope: Invalid value: "Cluster": field is immutable',
    'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
  ]);
});
