import { describe, expect, test } from 'vitest';
import type { V1ConfigMap, V1Secret } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { configMap } from './config-map.js';
import { secret } from './secret.js';

const metadata = { name: 'a', namespace: 'default' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('config maps', () => {
  const tester = kindTester<V1ConfigMap>(configMap);

  test('keys', () => {
    expect(tester.createErrors({ metadata, data: { 'a b': '' } })).toEqual([
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ]);
    expect(tester.createErrors({ metadata, data: { '..': '' } })).toEqual([
      'data[..]: Invalid value: "..": must not be \'..\'',
    ]);
    expect(tester.createErrors({ metadata, data: { a: '' }, binaryData: { a: '' } })).toEqual([
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ]);
  });

  test('size', () => {
    expect(tester.createErrors({ metadata, data: { a: 'x'.repeat(1024 * 1024) } })).toEqual([]);
    expect(tester.createErrors({ metadata, data: { a: 'x'.repeat(1024 * 1024), b: 'x' } })).toEqual([
      '[]: Too long: may not be more than 1048576 bytes',
    ]);
  });

  test('immutable ones do not change', () => {
    const old = { metadata, immutable: true, data: { a: '1' } };
    expect(tester.updateErrors({ metadata, data: { a: '2' } }, old)).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(tester.updateErrors({ ...old, metadata: { ...metadata, labels: { a: 'b' } } }, old)).toEqual([]);
  });

  test('columns', () => {
    expect(tester.cells({ metadata, data: { a: '1' }, binaryData: { b: '' } })['Data']).toBe(2);
  });
});

describe('secrets', () => {
  const tester = kindTester<V1Secret>(secret);

  test('text becomes data', () => {
    expect(tester.create({ metadata, stringData: { a: 'text' }, data: { b: base64('b') } })).toEqual({
      metadata,
      type: 'Opaque',
      data: { a: base64('text'), b: base64('b') },
    });
  });

  test.each([
    ['kubernetes.io/tls', {}, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
    ['kubernetes.io/basic-auth', {}, ['data[username]: Required value', 'data[password]: Required value']],
    ['kubernetes.io/ssh-auth', {}, ['data[ssh-privatekey]: Required value']],
    ['kubernetes.io/dockerconfigjson', {}, ['data[.dockerconfigjson]: Required value']],
    [
      'kubernetes.io/service-account-token',
      {},
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
    ['example.com/own', {}, []],
  ])('type %s', (type, stringData, errors) => {
    expect(tester.createErrors({ metadata, type, stringData })).toEqual(errors);
  });

  test('broken JSON is not shown', () => {
    expect(
      tester.createErrors({
        metadata,
        type: 'kubernetes.io/dockerconfigjson',
        stringData: { '.dockerconfigjson': 'hunter2' },
      }),
    ).toEqual(['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid JSON']);
  });

  test('type and immutable data stay', () => {
    expect(tester.updateErrors({ metadata, type: 'a/b' }, { metadata })).toEqual([
      'type: Invalid value: "a/b": field is immutable',
    ]);
    expect(
      tester.updateErrors({ metadata, immutable: true, stringData: { a: '2' } }, { metadata, immutable: true }),
    ).toEqual(['data: Forbidden: field is immutable when `immutable` is set']);
  });

  test('columns and field labels', () => {
    const object = { metadata, stringData: { a: '1' } };
    expect(tester.cells(object)).toMatchObject({ Type: 'Opaque', Data: 1 });
    expect(secret.fieldLabels!['type']!(tester.decode(object))).toBe('Opaque');
  });
});
