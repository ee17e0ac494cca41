import {
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
  type FieldError,
} from '../../../../../lib/api/field-errors.js';
import type {
  V1EnvFromSource,
  V1EnvVar,
  V1FileKeySelector,
  V1ObjectFieldSelector,
  V1ResourceFieldSelector,
  V1Volume,
} from '../../../../../lib/schema/generated/types.js';
import { formatErrors, isConfigMapKey, isDns1123Subdomain, isEnvVarName, isQualifiedName } from '../formats.js';
import { compareQuantities } from '../quantities.js';
import { localPathErrors } from './paths.js';

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const VOLUME_FIELDS: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
/** All fields the downward API knows, by either way. */
const DOWNWARD_FIELDS: ReadonlySet<string> = new Set([...ENV_FIELDS, ...VOLUME_FIELDS, 'spec.restartPolicy']);
const CONTAINER_RESOURCE_FIELDS = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const HUGE_PAGES_FIELD = /^(requests|limits)\.hugepages-/;
const CPU_DIVISORS = ['1m', '1'];
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

export function validateEnv(
  env: readonly V1EnvVar[] | undefined,
  path: string,
  volumes: ReadonlyMap<string, V1Volume>,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, variable] of (env ?? []).entries()) {
    const at = `${path}[${index}]`;
    const name = variable.name ?? '';
    if (name === '') errors.push(required(`${at}.name`));
    else errors.push(...formatErrors(`${at}.name`, name, isEnvVarName));
    if (variable.valueFrom !== undefined) errors.push(...validateValueFrom(variable, `${at}.valueFrom`, volumes));
  }
  return errors;
}

function validateValueFrom(variable: V1EnvVar, path: string, volumes: ReadonlyMap<string, V1Volume>): FieldError[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = variable.valueFrom ?? {};
  const errors: FieldError[] = [];
  let sources = 0;
  if (fieldRef !== undefined) {
    sources += 1;
    errors.push(...validateFieldRef(fieldRef, `${path}.fieldRef`, ENV_FIELDS));
  }
  if (resourceFieldRef !== undefined) {
    sources += 1;
    errors.push(...validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, false));
  }
  if (configMapKeyRef !== undefined) {
    sources += 1;
    errors.push(...validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`));
  }
  if (secretKeyRef !== undefined) {
    sources += 1;
    errors.push(...validateKeyRef(secretKeyRef, `${path}.secretKeyRef`));
  }
  if (fileKeyRef !== undefined) {
    sources += 1;
    errors.push(...validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`, volumes));
  }
  if (sources === 0) {
    errors.push(
      invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  } else if ((variable.value ?? '') !== '') {
    errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  } else if (sources > 1) {
    errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  }
  return errors;
}

function validateKeyRef(reference: { name?: string; key?: string }, path: string): FieldError[] {
  const errors = formatErrors(`${path}.name`, reference.name ?? '', isDns1123Subdomain);
  const key = reference.key ?? '';
  return key === ''
    ? [...errors, required(`${path}.key`)]
    : [...errors, ...formatErrors(`${path}.key`, key, isConfigMapKey)];
}

function validateFileKeyRef(
  reference: V1FileKeySelector,
  path: string,
  volumes: ReadonlyMap<string, V1Volume>,
): FieldError[] {
  const errors: FieldError[] = [];
  if ((reference.volumeName ?? '') === '') errors.push(required(`${path}.volumeName`));
  else {
    const volume = volumes.get(reference.volumeName);
    if (volume === undefined) errors.push(notFound(`${path}.volumeName`, reference.volumeName));
    else if (volume.emptyDir === undefined) {
      errors.push(invalid(`${path}.volumeName`, reference.volumeName, 'referenced volume must be of type emptyDir'));
    }
  }
  if ((reference.path ?? '') === '') errors.push(required(`${path}.path`));
  else errors.push(...localPathErrors(`${path}.path`, reference.path));
  if ((reference.key ?? '') === '') errors.push(required(`${path}.key`));
  else errors.push(...formatErrors(`${path}.key`, reference.key, isEnvVarName));
  return errors;
}

/** A pod field, or one label or annotation as `metadata.labels['key']`. */
export function validateFieldRef(
  reference: V1ObjectFieldSelector,
  path: string,
  supported: readonly string[],
): FieldError[] {
  if ((reference.apiVersion ?? '') === '') return [required(`${path}.apiVersion`)];
  const fieldPath = reference.fieldPath ?? '';
  if (fieldPath === '') return [required(`${path}.fieldPath`)];
  const [, map, key = ''] = /^(.*)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (map !== undefined) {
    if (map === 'metadata.annotations') return formatErrors(path, key.toLowerCase(), isQualifiedName);
    if (map === 'metadata.labels') return formatErrors(path, key, isQualifiedName);
  }
  if (!DOWNWARD_FIELDS.has(fieldPath)) {
    return [
      invalid(
        `${path}.fieldPath`,
        fieldPath,
        `error converting fieldPath: field label not supported: ${map ?? fieldPath}`,
      ),
    ];
  }
  return supported.includes(fieldPath) ? [] : [notSupported(`${path}.fieldPath`, fieldPath, supported)];
}

/** A container's request or limit. In a volume the container must be named. */
export function validateResourceFieldRef(
  reference: V1ResourceFieldSelector,
  path: string,
  inVolume: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const resource = reference.resource ?? '';
  if (inVolume && (reference.containerName ?? '') === '') errors.push(required(`${path}.containerName`));
  else if (resource === '') errors.push(required(`${path}.resource`));
  else if (!CONTAINER_RESOURCE_FIELDS.includes(resource) && !HUGE_PAGES_FIELD.test(resource)) {
    errors.push(notSupported(`${path}.resource`, resource, CONTAINER_RESOURCE_FIELDS));
  }
  return [...errors, ...divisorErrors(resource, reference.divisor, `${path}.divisor`)];
}

function divisorErrors(resource: string, divisor: string | undefined, field: string): FieldError[] {
  if (divisor === undefined || compareQuantities(divisor, '0') === 0) return [];
  if (resource.endsWith('.cpu')) {
    return CPU_DIVISORS.some((one) => compareQuantities(one, divisor) === 0)
      ? []
      : [invalid(field, resource, "only divisor's values 1m and 1 are supported with the cpu resource")];
  }
  const kind = resource.endsWith('.memory')
    ? 'memory'
    : resource.endsWith('.ephemeral-storage')
      ? 'local ephemeral storage'
      : HUGE_PAGES_FIELD.test(resource)
        ? 'hugepages'
        : '';
  if (kind === '' || BYTE_DIVISORS.some((one) => compareQuantities(one, divisor) === 0)) return [];
  const values = BYTE_DIVISORS.join(', ');
  return [invalid(field, resource, `only divisor's values ${values} are supported with the ${kind} resource`)];
}

export function validateEnvFrom(sources: readonly V1EnvFromSource[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, source] of (sources ?? []).entries()) {
    const at = `${path}[${index}]`;
    if ((source.prefix ?? '') !== '') {
      errors.push(...formatErrors(`${at}.prefix`, source.prefix ?? '', isEnvVarName));
    }
    if (source.configMapRef !== undefined) errors.push(...nameRefErrors(source.configMapRef, `${at}.configMapRef`));
    if (source.secretRef !== undefined) errors.push(...nameRefErrors(source.secretRef, `${at}.secretRef`));
    const count = Number(source.configMapRef !== undefined) + Number(source.secretRef !== undefined);
    if (count === 0) errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  }
  return errors;
}

function nameRefErrors(reference: { name?: string }, path: string): FieldError[] {
  const name = reference.name ?? '';
  return name === '' ? [required(`${path}.name`)] : formatErrors(`${path}.name`, name, isDns1123Subdomain);
}

/** Fields that may not be set, with a common reason. */
export function forbiddenFields(object: object, fields: readonly string[], path: string, why: string): FieldError[] {
  const record = object as Record<string, unknown>;
  return fields
    .filter((field) => record[field] !== undefined && record[field] !== null)
    .map((field) => forbidden(`${path}.${field}`, why));
}
