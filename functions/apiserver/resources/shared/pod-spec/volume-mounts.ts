import {
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
  type FieldError,
} from '../../../../../lib/api/field-errors.js';
import type { V1Container, V1Volume, V1VolumeMount } from '../../../../../lib/schema/generated/types.js';
import { backstepErrors, descendingPathErrors } from './paths.js';

/** Mounts and block devices of a container: each refers to a volume, at a place of its own. */
export function validateMounts(
  container: Pick<V1Container, 'volumeMounts' | 'volumeDevices' | 'securityContext'>,
  path: string,
  volumes: ReadonlyMap<string, V1Volume>,
): FieldError[] {
  return [...mountErrors(container, path, volumes), ...deviceErrors(container, path, volumes)];
}

function mountErrors(
  { volumeMounts = [], volumeDevices = [], securityContext }: Parameters<typeof validateMounts>[0],
  containerPath: string,
  volumes: ReadonlyMap<string, V1Volume>,
): FieldError[] {
  const errors: FieldError[] = [];
  const mountPaths = new Set<string>();
  const path = `${containerPath}.volumeMounts`;
  for (const [index, mount] of volumeMounts.entries()) {
    const at = `${path}[${index}]`;
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    if (name === '') errors.push(required(`${at}.name`));
    if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name));
    if (mountPath === '') errors.push(required(`${at}.mountPath`));
    if (mountPaths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'));
    mountPaths.add(mountPath);
    if (volumeDevices.some((device) => device.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeDevices'));
    }
    if (volumeDevices.some((device) => device.devicePath === mountPath)) {
      errors.push(invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    }
    if (subPath !== '') errors.push(...descendingPathErrors(`${path}.subPath`, subPath));
    if (subPathExpr !== '') {
      if (subPath !== '') {
        errors.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      }
      errors.push(...descendingPathErrors(`${path}.subPathExpr`, subPathExpr));
    }
    errors.push(...propagationErrors(mount, `${path}.mountPropagation`, securityContext?.privileged === true));
    errors.push(...recursiveReadOnlyErrors(mount, `${path}.recursiveReadOnly`));
  }
  return errors;
}

function propagationErrors(mount: V1VolumeMount, field: string, privileged: boolean): FieldError[] {
  const mode = mount.mountPropagation;
  if (mode === undefined) return [];
  const supported = ['Bidirectional', 'HostToContainer', 'None'];
  if (!supported.includes(mode)) return [notSupported(field, mode, supported)];
  return mode === 'Bidirectional' && !privileged
    ? [forbidden(field, 'Bidirectional mount propagation is available only to privileged containers')]
    : [];
}

function recursiveReadOnlyErrors(mount: V1VolumeMount, field: string): FieldError[] {
  const mode = mount.recursiveReadOnly;
  if (mode === undefined || mode === 'Disabled') return [];
  if (mode !== 'Enabled' && mode !== 'IfPossible') {
    return [notSupported(field, mode, ['Disabled', 'Enabled', 'IfPossible'])];
  }
  const errors: FieldError[] = [];
  if (mount.readOnly !== true) errors.push(forbidden(field, 'may only be specified when readOnly is true'));
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None') {
    errors.push(forbidden(field, 'may only be specified when mountPropagation is None or not specified'));
  }
  return errors;
}

function deviceErrors(
  { volumeMounts = [], volumeDevices = [] }: Parameters<typeof validateMounts>[0],
  containerPath: string,
  volumes: ReadonlyMap<string, V1Volume>,
): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [index, { name = '', devicePath = '' }] of volumeDevices.entries()) {
    const at = `${containerPath}.volumeDevices[${index}]`;
    const volume = volumes.get(name);
    if (name === '') errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, 'must be unique'));
    if (volume === undefined) errors.push(notFound(`${at}.name`, name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalid(`${at}.name`, name, why));
    }
    if (devicePath === '') errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    if (backstepErrors('', devicePath).length > 0) {
      errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    } else paths.add(devicePath);
    if (volumeMounts.some((mount) => mount.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    }
    if (volumeMounts.some((mount) => mount.mountPath === devicePath)) {
      errors.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (name !== '') names.add(name);
  }
  return errors;
}
