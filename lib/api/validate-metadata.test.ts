import { describe, expect, it } from 'vitest';
import type { FieldError } from './field-errors.js';
import type { ObjectMeta } from './meta.js';
import { nameIsDnsLabel, nameIsDnsSubdomain } from './names.js';
import { validateFieldManager, validateObjectMeta, validateObjectMetaUpdate } from './validate-metadata.js';

const rules = { isNamespaced: true, name: nameIsDnsSubdomain };
const good: ObjectMeta = { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '5', generation: 2 };

function words(errors: FieldError[]): string[] {
  return errors.map((error) => `${error.field}: ${error.body}`);
}

const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

describe('validateObjectMeta', () => {
  it('accepts what is right', () => {
    const meta: ObjectMeta = {
      ...good,
      generateName: 'web-',
      labels: { 'app.kubernetes.io/name': 'web', empty: '' },
      annotations: { 'Example.com/Any': 'anything at all' },
      finalizers: ['kubernetes', 'example.com/thing'],
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'b', controller: true }],
    };
    expect(validateObjectMeta(meta, rules)).toEqual([]);
    expect(validateObjectMeta({ name: 'node' }, { isNamespaced: false, name: nameIsDnsLabel })).toEqual([]);
  });

  it.each<[ObjectMeta, string]>([
    [{ namespace: 'a' }, 'metadata.name: Required value: name or generateName is required'],
    [{ name: 'Web', namespace: 'a' }, `metadata.name: Invalid value: "Web": ${SUBDOMAIN_WORDS}`],
    [{ name: 'a', generateName: '_', namespace: 'a' }, `metadata.generateName: Invalid value: "_": ${SUBDOMAIN_WORDS}`],
    [{ name: 'a' }, 'metadata.namespace: Required value'],
    [{ name: 'a', namespace: 'x.y' }, 'metadata.namespace: Invalid value: "x.y": must not contain dots'],
    [
      { name: 'a', namespace: 'a', generation: -1 },
      'metadata.generation: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      { name: 'a', namespace: 'a', labels: { a: 'x'.repeat(64) } },
      `metadata.labels: Invalid value: "${'x'.repeat(64)}": must be no more than 63 bytes`,
    ],
    [
      { name: 'a', namespace: 'a', labels: { '/x': '' } },
      'metadata.labels: Invalid value: "/x": prefix part must be non-empty',
    ],
    [
      { name: 'a', namespace: 'a', annotations: { a: 'x'.repeat(256 * 1024) } },
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ],
    [
      { name: 'a', namespace: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '' }] },
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ],
    [
      { name: 'a', namespace: 'a', finalizers: ['orphan', 'foregroundDeletion'] },
      'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
    ],
    [
      { name: 'a', namespace: 'a', managedFields: [{ operation: 'Write' }] },
      'metadata.managedFields[0].operation: Invalid value: "Write": must be `Apply` or `Update`',
    ],
  ])('refuses %j in the words of Kubernetes', (meta, message) => {
    expect(words(validateObjectMeta(meta, rules))).toEqual([message]);
  });

  it('allows one controller', () => {
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };
    const errors = words(validateObjectMeta({ ...good, ownerReferences: [owner, { ...owner, name: 'q' }] }, rules));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q',
    );
  });

  it('keeps clusters free of namespaces where there are none', () => {
    const errors = validateObjectMeta(good, { isNamespaced: false, name: nameIsDnsSubdomain });
    expect(words(errors)).toEqual(['metadata.namespace: Forbidden: not allowed on this type']);
  });
});

describe('validateObjectMetaUpdate', () => {
  it.each<[ObjectMeta, ObjectMeta, string]>([
    [{ resourceVersion: '' }, {}, 'metadata.resourceVersion: Invalid value: "": must be specified for an update'],
    [{ uid: 'x' }, {}, 'metadata.uid: Invalid value: "x": field is immutable'],
    [{ name: 'x' }, {}, 'metadata.name: Invalid value: "x": field is immutable'],
    [{ generation: 1 }, {}, 'metadata.generation: Invalid value: 1: must not be decremented'],
    [
      {},
      { creationTimestamp: '2024-01-01T00:00:00Z' },
      'metadata.creationTimestamp: Invalid value: null: field is immutable',
    ],
    [
      { finalizers: ['b', 'a'], deletionTimestamp: 't' },
      { finalizers: ['a'], deletionTimestamp: 't' },
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b"}',
    ],
  ])('refuses %j over %j', (changes, old, message) => {
    expect(words(validateObjectMetaUpdate({ ...good, ...changes }, { ...good, ...old }))).toEqual([message]);
  });

  it('accepts other changes', () => {
    expect(validateObjectMetaUpdate({ ...good, labels: { a: 'b' }, generation: 3 }, good)).toEqual([]);
  });
});

describe('validateFieldManager', () => {
  it('wants printable characters, not too many', () => {
    expect(validateFieldManager('kubectl-client-side-apply')).toEqual([]);
    expect(words(validateFieldManager('é\u0001'))).toEqual([
      'fieldManager: Invalid value: "é\\u0001": invalid character U+0001 (at position 2)',
    ]);
    expect(words(validateFieldManager('x'.repeat(129)))).toEqual([
      'fieldManager: Too long: may not be more than 128 bytes',
    ]);
  });
});
