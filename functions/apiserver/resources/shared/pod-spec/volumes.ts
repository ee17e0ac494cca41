import { duplicate, forbidden, invalid, required, type FieldError } from '../../../../../lib/api/field-errors.js';
import type {
  V1DownwardAPIVolumeFile,
  V1KeyToPath,
  V1PodCertificateProjection,
  V1ProjectedVolumeSource,
  V1ServiceAccountTokenProjection,
  V1ClusterTrustBundleProjection,
  V1Volume,
} from '../../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain } from '../formats.js';
import { validateLabelSelector } from '../labels.js';
import { validateClaimTemplate } from '../persistent-volume-claim-spec.js';
import { compareQuantities } from '../quantities.js';
import { validateFieldRef, validateResourceFieldRef, VOLUME_FIELDS } from './env.js';
import type { PodValidationOptions } from './options.js';
import { localPathErrors } from './paths.js';
import { validateOneSource, VOLUME_SOURCE_RULES } from './volume-sources.js';

const MODE_MAX = 0o777;
const MODE_MESSAGE = 'must be a number between 0 and 0777 (octal), both inclusive';
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const CERTIFICATE_SECONDS_MIN = 3600;
const CERTIFICATE_SECONDS_MAX = 91 * 24 * 3600;

const RULES = {
  emptyDir: (source: { sizeLimit?: string }, path: string): FieldError[] =>
    source.sizeLimit !== undefined && compareQuantities(source.sizeLimit, '0') < 0
      ? [forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
      : [],
  ...VOLUME_SOURCE_RULES,
  secret: (source: { secretName?: string } & Files, path: string) => [
    ...((source.secretName ?? '') === '' ? [required(`${path}.secretName`)] : []),
    ...fileErrors(source, path),
  ],
  configMap: (source: { name?: string } & Files, path: string) => [
    ...((source.name ?? '') === '' ? [required(`${path}.name`)] : []),
    ...fileErrors(source, path),
  ],
  downwardAPI: (source: { defaultMode?: number; items?: V1DownwardAPIVolumeFile[] }, path: string) => [
    ...modeErrors(`${path}.defaultMode`, source.defaultMode),
    ...(source.items ?? []).flatMap((file) => downwardFileErrors(file, path)),
  ],
  projected: projectedErrors,
  ephemeral: (source: { volumeClaimTemplate?: Parameters<typeof validateClaimTemplate>[0] }, path: string) =>
    source.volumeClaimTemplate === undefined
      ? [required(`${path}.volumeClaimTemplate`)]
      : validateClaimTemplate(source.volumeClaimTemplate, `${path}.volumeClaimTemplate`),
  image: (source: { reference?: string; pullPolicy?: string }, path: string) => imageErrors(source, path),
};

interface Files {
  defaultMode?: number;
  items?: V1KeyToPath[];
}

/** Volumes with a name and one source each; `valid` holds those that mounts may refer to. */
export function validateVolumes(
  volumes: readonly V1Volume[] | undefined,
  path: string,
  options: PodValidationOptions,
): { errors: FieldError[]; valid: ReadonlyMap<string, V1Volume> } {
  const errors: FieldError[] = [];
  const valid = new Map<string, V1Volume>();
  const createdClaims = new Set<string>();
  if (options.podName !== undefined) {
    for (const volume of volumes ?? []) {
      if (volume.ephemeral !== undefined) createdClaims.add(`${options.podName}-${volume.name}`);
    }
  }
  for (const [index, volume] of (volumes ?? []).entries()) {
    const at = `${path}[${index}]`;
    const name = volume.name ?? '';
    const own = validateOneSource(volume, at, RULES);
    if (volume.ephemeral !== undefined && options.podName !== undefined && name !== '') {
      const claim = `${options.podName}-${name}`;
      own.push(
        ...isDns1123Subdomain(claim).map((message) =>
          invalid(`${at}.name`, name, `PVC name ${JSON.stringify(claim)}: ${message}`),
        ),
      );
    }
    own.push(...(name === '' ? [required(`${at}.name`)] : formatErrors(`${at}.name`, name, isDns1123Label)));
    if (valid.has(name)) own.push(duplicate(`${at}.name`, name));
    if (own.length === 0) valid.set(name, volume);
    errors.push(...own);
    const claimName = volume.persistentVolumeClaim?.claimName;
    if (claimName !== undefined && createdClaims.has(claimName)) {
      const why = 'must not reference a PVC that gets created for an ephemeral volume';
      errors.push(invalid(`${at}.persistentVolumeClaim.claimName`, claimName, why));
    }
  }
  return { errors, valid };
}

function modeErrors(field: string, mode: number | undefined): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > MODE_MAX) ? [invalid(field, mode, MODE_MESSAGE)] : [];
}

function fileErrors(source: Files, path: string): FieldError[] {
  return [
    ...modeErrors(`${path}.defaultMode`, source.defaultMode),
    ...(source.items ?? []).flatMap((item, index) => keyToPathErrors(item, `${path}.items[${index}]`)),
  ];
}

function keyToPathErrors(item: V1KeyToPath, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if ((item.key ?? '') === '') errors.push(required(`${path}.key`));
  if ((item.path ?? '') === '') errors.push(required(`${path}.path`));
  errors.push(...localPathErrors(`${path}.path`, item.path ?? ''), ...modeErrors(`${path}.mode`, item.mode));
  return errors;
}

function downwardFileErrors(file: V1DownwardAPIVolumeFile, path: string): FieldError[] {
  const errors: FieldError[] = (file.path ?? '') === '' ? [required(`${path}.path`)] : [];
  errors.push(...localPathErrors(`${path}.path`, file.path ?? ''));
  if (file.fieldRef !== undefined) {
    errors.push(...validateFieldRef(file.fieldRef, `${path}.fieldRef`, VOLUME_FIELDS));
    if (file.resourceFieldRef !== undefined) {
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    }
  } else if (file.resourceFieldRef !== undefined) {
    errors.push(...validateResourceFieldRef(file.resourceFieldRef, `${path}.resourceFieldRef`, true));
  } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...modeErrors(`${path}.mode`, file.mode)];
}

function imageErrors(source: { reference?: string; pullPolicy?: string }, path: string): FieldError[] {
  const { reference = '', pullPolicy = '' } = source;
  const errors: FieldError[] = [];
  if (reference !== reference.trim()) {
    errors.push(invalid(`${path}.reference`, reference, 'must not have leading or trailing whitespace'));
  }
  if (pullPolicy === '') errors.push(required(`${path}.pullPolicy`));
  return errors;
}

function projectedErrors(projection: V1ProjectedVolumeSource, path: string): FieldError[] {
  const errors = modeErrors(`${path}.defaultMode`, projection.defaultMode);
  const paths = new Set<string>();
  const claim = (file: string | undefined, value: string): void => {
    if (file === undefined || file === '') return;
    if (paths.has(file)) errors.push(invalid(path, value, 'conflicting duplicate paths'));
    paths.add(file);
  };
  for (const [index, source] of (projection.sources ?? []).entries()) {
    const at = `${path}.sources[${index}]`;
    for (const kind of ['secret', 'configMap'] as const) {
      const files = source[kind];
      if (files === undefined) continue;
      if ((files.name ?? '') === '') errors.push(required(`${at}.${kind}.name`));
      for (const [itemIndex, item] of (files.items ?? []).entries()) {
        errors.push(...keyToPathErrors(item, `${at}.${kind}.items[${itemIndex}]`));
        claim(item.path, files.name ?? '');
      }
    }
    for (const file of source.downwardAPI?.items ?? []) {
      errors.push(...downwardFileErrors(file, `${at}.downwardAPI`));
      claim(file.path, file.path);
    }
    if (source.serviceAccountToken !== undefined) errors.push(...tokenErrors(source.serviceAccountToken, path, at));
    if (source.clusterTrustBundle !== undefined) {
      errors.push(...trustBundleErrors(source.clusterTrustBundle, `${at}.clusterTrustBundlePEM`));
      claim(source.clusterTrustBundle.path, source.clusterTrustBundle.path);
    }
    if (source.podCertificate !== undefined) {
      errors.push(...podCertificateErrors(source.podCertificate, `${at}.podCertificate`));
      const { credentialBundlePath, keyPath, certificateChainPath } = source.podCertificate;
      for (const file of [credentialBundlePath, keyPath, certificateChainPath]) claim(file, file ?? '');
    }
    if (Object.values(source).filter((value) => value !== undefined).length > 1) {
      errors.push(forbidden(at, 'may not specify more than 1 volume type'));
    }
  }
  return errors;
}

function tokenErrors(token: V1ServiceAccountTokenProjection, volumePath: string, sourcePath: string): FieldError[] {
  const field = `${sourcePath}.serviceAccountToken.expirationSeconds`;
  const seconds = token.expirationSeconds ?? 0;
  const errors: FieldError[] = [];
  if (seconds < TOKEN_SECONDS_MIN) {
    errors.push(invalid(field, seconds, 'may not specify a duration less than 10 minutes'));
  }
  if (seconds > TOKEN_SECONDS_MAX) {
    errors.push(invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  return (token.path ?? '') === ''
    ? [...errors, required(`${volumePath}.path`)]
    : [...errors, ...localPathErrors(`${volumePath}.path`, token.path)];
}

function trustBundleErrors(bundle: V1ClusterTrustBundleProjection, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { name, signerName } = bundle;
  if (name !== undefined && signerName !== undefined) {
    errors.push(invalid(path, bundle, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    if (name === '') errors.push(required(`${path}.name`, 'must be a valid object name'));
    if (bundle.labelSelector !== undefined) {
      const why = 'labelSelector must be unset if name is specified';
      errors.push(invalid(`${path}.labelSelector`, bundle.labelSelector, why));
    }
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(required(`${path}.signerName`, 'must be a valid signer name'));
    errors.push(...validateLabelSelector(bundle.labelSelector, `${path}.labelSelector`));
  } else errors.push(required(path, 'either name or signerName must be specified'));
  if ((bundle.path ?? '') === '') errors.push(required(`${path}.path`));
  return [...errors, ...localPathErrors(`${path}.path`, bundle.path ?? '')];
}

function podCertificateErrors(certificate: V1PodCertificateProjection, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if ((certificate.signerName ?? '') === '') errors.push(required(`${path}.signerName`));
  if ((certificate.keyType ?? '') === '') errors.push(required(`${path}.keyType`));
  const seconds = certificate.maxExpirationSeconds;
  if (seconds !== undefined && (seconds < CERTIFICATE_SECONDS_MIN || seconds > CERTIFICATE_SECONDS_MAX)) {
    const why = `if provided, maxExpirationSeconds must be >= ${CERTIFICATE_SECONDS_MIN} and <= ${CERTIFICATE_SECONDS_MAX}`;
    errors.push(invalid(`${path}.maxExpirationSeconds`, seconds, why));
  }
  let files = 0;
  for (const field of ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const) {
    const file = certificate[field];
    if (file === undefined || file === '') continue;
    files += 1;
    errors.push(...localPathErrors(`${path}.${field}`, file));
  }
  if (files === 0) {
    errors.push(required(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
  }
  return errors;
}
