import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../../lib/api/field-errors.js';
import type {
  V1FCVolumeSource,
  V1FlexVolumeSource,
  V1HostPathVolumeSource,
  V1ISCSIPersistentVolumeSource,
  V1ISCSIVolumeSource,
} from '../../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Subdomain, rangeMessage } from '../formats.js';
import { backstepErrors, descendingPathErrors } from './paths.js';

/** Rules of the volume sources that pods and persistent volumes share, by field name. */

type Source = Record<string, unknown>;
type Rule = (source: never, path: string) => FieldError[];

const BYTE_MAX = 255;
const CSI_DRIVER_MAX = 63;
const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Each of the named fields must be there and not be empty. */
function needs(...fields: readonly string[]): (source: Source, path: string) => FieldError[] {
  return (source, path) =>
    fields
      .filter((field) => {
        const value = source[field];
        return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
      })
      .map((field) => required(`${path}.${field}`));
}

const disk =
  (name: string) =>
  (source: { partition?: number } & Source, path: string): FieldError[] => [
    ...needs(name)(source, path),
    ...((source.partition ?? 0) < 0 || (source.partition ?? 0) > BYTE_MAX
      ? [invalid(`${path}.partition`, source.partition, rangeMessage(1, BYTE_MAX))]
      : []),
  ];

export const VOLUME_SOURCE_RULES: Readonly<Record<string, Rule>> = {
  hostPath: hostPathErrors,
  gcePersistentDisk: disk('pdName'),
  awsElasticBlockStore: disk('volumeID'),
  gitRepo: (source: { repository?: string; directory?: string }, path: string) => [
    ...needs('repository')(source, path),
    ...descendingPathErrors(`${path}.directory`, source.directory ?? ''),
  ],
  nfs: (source: { path?: string } & Source, path: string) => [
    ...needs('server', 'path')(source, path),
    ...((source.path ?? '').startsWith('/')
      ? []
      : [invalid(`${path}.path`, source.path ?? '', 'must be an absolute path')]),
  ],
  iscsi: iscsiErrors,
  glusterfs: needs('endpoints', 'path'),
  flocker: (source: { datasetName?: string; datasetUUID?: string }, path: string) =>
    (source.datasetName ?? '') === '' && (source.datasetUUID ?? '') === ''
      ? [required(path, 'one of datasetName and datasetUUID is required')]
      : [],
  rbd: needs('monitors', 'image'),
  cinder: needs('volumeID'),
  cephfs: needs('monitors'),
  quobyte: needs('registry', 'volume'),
  fc: fibreChannelErrors,
  flexVolume: flexErrors,
  azureFile: needs('secretName', 'shareName'),
  vsphereVolume: needs('volumePath'),
  photonPersistentDisk: needs('pdID'),
  portworxVolume: needs('volumeID'),
  azureDisk: (source: { kind?: string; cachingMode?: string } & Source, path: string) => [
    ...needs('diskName', 'diskURI')(source, path),
    ...oneOf(`${path}.cachingMode`, source.cachingMode, ['None', 'ReadOnly', 'ReadWrite']),
    ...oneOf(`${path}.kind`, source.kind, ['Dedicated', 'Managed', 'Shared']),
  ],
  storageos: needs('volumeName'),
  scaleIO: needs('gateway', 'system', 'volumeName'),
  persistentVolumeClaim: needs('claimName'),
  csi: csiErrors,
};

/** Checks each source that is set; more than one, or none, is a fault. `rules` says which there may be. */
export function validateOneSource(holder: object, path: string, rules: Readonly<Record<string, Rule>>): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const [name, rule] of Object.entries(rules)) {
    const source = (holder as Source)[name];
    if (source === undefined || source === null) continue;
    if (found) errors.push(forbidden(`${path}.${name}`, 'may not specify more than 1 volume type'));
    else errors.push(...rule(source as never, `${path}.${name}`));
    found = true;
  }
  return found ? errors : [...errors, required(path, 'must specify a volume type')];
}

function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

function hostPathErrors(source: V1HostPathVolumeSource, path: string): FieldError[] {
  const hostPath = source.path ?? '';
  if (hostPath === '') return [required(`${path}.path`)];
  return [...backstepErrors(`${path}.path`, hostPath), ...oneOf(`${path}.type`, source.type, HOST_PATH_TYPES)];
}

const ISCSI_NAMES: readonly [prefix: string, pattern: RegExp][] = [
  ['iqn', /^iqn\.\d{4}-\d{2}\.([^:]+(?::[^,:]+){0,2}:?[^:]*)$/],
  ['eui', /^eui\.[0-9a-fA-F]{16}$/],
  ['naa', /^naa\.[0-9a-fA-F]{16,32}$/],
];

function iscsiErrors(source: V1ISCSIVolumeSource | V1ISCSIPersistentVolumeSource, path: string): FieldError[] {
  const errors = needs('targetPortal', 'iqn')(source as unknown as Source, path);
  for (const [field, name] of [
    ['iqn', source.iqn],
    ['initiatorname', source.initiatorName],
  ] as const) {
    if (name === undefined || name === '') continue;
    const pattern = ISCSI_NAMES.find(([prefix]) => name.startsWith(prefix))?.[1];
    if (pattern === undefined) {
      errors.push(invalid(`${path}.${field}`, name, 'must be valid format starting with iqn, eui, or naa'));
    } else if (!pattern.test(name)) errors.push(invalid(`${path}.${field}`, name, 'must be valid format'));
  }
  if ((source.lun ?? 0) < 0 || (source.lun ?? 0) > BYTE_MAX) {
    errors.push(invalid(`${path}.lun`, source.lun, rangeMessage(0, BYTE_MAX)));
  }
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && source.secretRef === undefined) {
    errors.push(required(`${path}.secretRef`));
  }
  return errors;
}

function fibreChannelErrors(source: V1FCVolumeSource, path: string): FieldError[] {
  const names = source.targetWWNs ?? [];
  const ids = source.wwids ?? [];
  const field = `${path}.targetWWNs`;
  if (names.length === 0 && ids.length === 0) {
    return [required(field, 'must specify either targetWWNs or wwids, but not both')];
  }
  const errors: FieldError[] = [];
  if (names.length > 0 && ids.length > 0) {
    errors.push(invalid(field, names, 'targetWWNs and wwids can not be specified simultaneously'));
  }
  if (names.length > 0 && source.lun === undefined) {
    errors.push(required(`${path}.lun`, 'lun is required if targetWWNs is specified'));
  } else if (source.lun !== undefined && (source.lun < 0 || source.lun > BYTE_MAX)) {
    errors.push(invalid(`${path}.lun`, source.lun, rangeMessage(0, BYTE_MAX)));
  }
  return errors;
}

function flexErrors(source: Pick<V1FlexVolumeSource, 'driver' | 'options'>, path: string): FieldError[] {
  const errors = needs('driver')(source, path);
  for (const key of Object.keys(source.options ?? {})) {
    if (/(^|\.)(kubernetes|k8s)\.io$/i.test(key.split('/')[0] ?? '')) {
      errors.push(invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'));
    }
  }
  return errors;
}

/** Name of a CSI driver. */
export function csiDriverErrors(field: string, driver: string | undefined): FieldError[] {
  if (driver === undefined || driver === '') return [required(field)];
  if (driver.length > CSI_DRIVER_MAX) {
    return [{ type: 'FieldValueTooLong', field, body: `Too long: may not be more than ${CSI_DRIVER_MAX} bytes` }];
  }
  return isDns1123Subdomain(driver.toLowerCase()).map((message) => invalid(field, driver, message));
}

function csiErrors(source: { driver?: string; nodePublishSecretRef?: { name?: string } }, path: string): FieldError[] {
  const errors = csiDriverErrors(`${path}.driver`, source.driver);
  const secret = source.nodePublishSecretRef;
  if (secret === undefined) return errors;
  return (secret.name ?? '') === ''
    ? [...errors, required(`${path}.nodePublishSecretRef.name`)]
    : [...errors, ...formatErrors(`${path}.name`, secret.name ?? '', isDns1123Subdomain)];
}
