import { forbidden, invalid, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1Secret } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { semanticallyEqual } from '../shared/equality.js';
import { FIELD_IS_IMMUTABLE, formatErrors, isConfigMapKey } from '../shared/formats.js';
import { DATA_BYTES_MAX, IMMUTABLE_SET } from './config-map.js';

const SERVICE_ACCOUNT_NAME = 'kubernetes.io/service-account.name';

export const secret = defineKind<V1Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Secret',
  defaults(object) {
    object.type ||= 'Opaque';
    const { stringData } = object;
    if (stringData === undefined) return;
    // A convenience for writers: never stored, never read back.
    delete object.stringData;
    for (const [key, value] of Object.entries(stringData)) {
      (object.data ??= {})[key] = Buffer.from(value).toString('base64');
    }
  },
  validate(object) {
    const data = object.data ?? {};
    const errors: FieldError[] = [];
    let size = 0;
    for (const [key, value] of Object.entries(data)) {
      errors.push(...formatErrors(`data[${key}]`, key, isConfigMapKey));
      size += Buffer.byteLength(value, 'base64');
    }
    if (size > DATA_BYTES_MAX) errors.push(tooLong('data', DATA_BYTES_MAX));
    return [...errors, ...typeErrors(object)];
  },
  validateUpdate(object, old) {
    const errors: FieldError[] =
      object.type === old.type ? [] : [invalid('type', object.type ?? '', FIELD_IS_IMMUTABLE)];
    if (old.immutable !== true) return errors;
    if (object.immutable !== true) errors.push(forbidden('immutable', IMMUTABLE_SET));
    if (!semanticallyEqual(object.data, old.data)) errors.push(forbidden('data', IMMUTABLE_SET));
    return errors;
  },
  columns: [
    {
      name: 'Type',
      type: 'string',
      description: 'What the data is for.',
      cell: (object) => object.type ?? '',
    },
    {
      name: 'Data',
      type: 'string',
      description: 'How many entries there are.',
      cell: (object) => Object.keys(object.data ?? {}).length,
    },
    AGE,
  ],
  fieldLabels: { type: (object) => object.type ?? '' },
});

/** Types that Kubernetes knows demand certain keys. */
function typeErrors(object: V1Secret): FieldError[] {
  const data = object.data ?? {};
  const needs = (...keys: string[]): FieldError[] =>
    keys.filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`));
  switch (object.type) {
    case 'kubernetes.io/service-account-token':
      return (object.metadata?.annotations?.[SERVICE_ACCOUNT_NAME] ?? '') === ''
        ? [required(`metadata.annotations[${SERVICE_ACCOUNT_NAME}]`)]
        : [];
    case 'kubernetes.io/dockercfg':
      return jsonErrors(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return jsonErrors(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return data['username'] === undefined && data['password'] === undefined ? needs('username', 'password') : [];
    case 'kubernetes.io/ssh-auth':
      return (data['ssh-privatekey'] ?? '') === '' ? [required('data[ssh-privatekey]')] : [];
    case 'kubernetes.io/tls':
      return needs('tls.crt', 'tls.key');
    default:
      return [];
  }
}

function jsonErrors(data: Record<string, string>, key: string): FieldError[] {
  const value = data[key];
  if (value === undefined) return [required(`data[${key}]`)];
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value, 'base64').toString());
    if (typeof parsed === 'object' && !Array.isArray(parsed)) return [];
    return [invalid(`data[${key}]`, '<secret contents redacted>', 'must be a JSON object')];
  } catch {
    // The parser's own words could show what is in the secret.
    return [invalid(`data[${key}]`, '<secret contents redacted>', 'invalid JSON')];
  }
}
