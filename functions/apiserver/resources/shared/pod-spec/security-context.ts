import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
  type FieldError,
} from '../../../../../lib/api/field-errors.js';
import type {
  V1AppArmorProfile,
  V1PodSpec,
  V1SeccompProfile,
  V1SecurityContext,
  V1Sysctl,
  V1WindowsSecurityContextOptions,
} from '../../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Subdomain, isId } from '../formats.js';
import { forbiddenFields } from './env.js';
import { descendingPathErrors } from './paths.js';
import { containersWithPaths } from './containers-of.js';

const PROFILE_PATH_BYTES_MAX = 4095;
const SYSCTL_CHARACTERS_MAX = 253;
const SYSCTL = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SYSCTL_PATTERN = new RegExp(`^${SYSCTL}$`);
const RUN_AS_USER_NAME_BYTES_MAX = 256;
const NOT_ON_WINDOWS = 'cannot be set for a windows pod';

export function validatePodSecurityContext(spec: V1PodSpec, path: string): FieldError[] {
  const context = spec.securityContext;
  const at = `${path}.securityContext`;
  const errors: FieldError[] = [];
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    errors.push(
      invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  }
  if (context === undefined) return errors;
  errors.push(...idErrors(context, ['fsGroup', 'runAsUser', 'runAsGroup'], at));
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    errors.push(...isId(group).map((message) => invalid(`${at}.supplementalGroups[${index}]`, group, message)));
  }
  errors.push(...validateSysctls(context.sysctls ?? [], spec, `${at}.sysctls`));
  if (context.fsGroupChangePolicy !== undefined) {
    errors.push(...oneOf(`${at}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']));
  }
  errors.push(...seccompErrors(context.seccompProfile, `${at}.seccompProfile`));
  errors.push(...windowsOptionErrors(context.windowsOptions, `${at}.windowsOptions`));
  errors.push(...appArmorErrors(context.appArmorProfile, `${at}.appArmorProfile`));
  if (context.supplementalGroupsPolicy !== undefined) {
    errors.push(...oneOf(`${at}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']));
  }
  if (context.seLinuxChangePolicy !== undefined) {
    errors.push(...oneOf(`${at}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']));
  }
  return errors;
}

export function validateSecurityContext(
  context: V1SecurityContext | undefined,
  path: string,
  hostUsers: boolean,
): FieldError[] {
  if (context === undefined) return [];
  const errors = idErrors(context, ['runAsUser', 'runAsGroup'], path);
  if (context.procMount !== undefined) {
    errors.push(...oneOf(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']));
    if (hostUsers && context.procMount === 'Unmasked') {
      errors.push(invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'));
    }
  }
  errors.push(...seccompErrors(context.seccompProfile, `${path}.seccompProfile`));
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) {
      errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
      errors.push(
        invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
      );
    }
  }
  errors.push(...windowsOptionErrors(context.windowsOptions, `${path}.windowsOptions`));
  errors.push(...appArmorErrors(context.appArmorProfile, `${path}.appArmorProfile`));
  return errors;
}

function oneOf(field: string, value: string, supported: readonly string[]): FieldError[] {
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

function idErrors(context: object, fields: readonly string[], path: string): FieldError[] {
  return fields.flatMap((field) => {
    const id = (context as Record<string, unknown>)[field];
    return typeof id === 'number' ? isId(id).map((message) => invalid(`${path}.${field}`, id, message)) : [];
  });
}

function validateSysctls(sysctls: readonly V1Sysctl[], spec: V1PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, { name = '' }] of sysctls.entries()) {
    const field = `${path}[${index}].name`;
    if (name === '') errors.push(required(field));
    else if (name.length > SYSCTL_CHARACTERS_MAX || !SYSCTL_PATTERN.test(name)) {
      errors.push(
        invalid(field, name, `must have at most ${SYSCTL_CHARACTERS_MAX} characters and match regex ^${SYSCTL}$`),
      );
    } else if (names.has(name)) errors.push(duplicate(field, name));
    names.add(name);
    const dotted = name.replaceAll('/', '.');
    if (spec.hostNetwork === true && dotted.startsWith('net.')) {
      errors.push(invalid(field, name, "may not be specified when 'hostNetwork' is true"));
    }
    if (spec.hostIPC === true && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(dotted)) {
      errors.push(invalid(field, name, "may not be specified when 'hostIPC' is true"));
    }
  }
  return errors;
}

const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function seccompErrors(profile: V1SeccompProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const type = profile.type ?? '';
  const errors =
    type === ''
      ? [required(`${path}.type`, 'type is required when seccompProfile is set')]
      : oneOf(`${path}.type`, type, PROFILE_TYPES);
  const { localhostProfile } = profile;
  if (type !== 'Localhost') {
    return localhostProfile === undefined
      ? errors
      : [...errors, invalid(`${path}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost')];
  }
  return localhostProfile === undefined
    ? [...errors, required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost')]
    : [...errors, ...descendingPathErrors(`${path}.localhostProfile`, localhostProfile)];
}

function appArmorErrors(profile: V1AppArmorProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const field = `${path}.localhostProfile`;
  const type = profile.type ?? '';
  const name = profile.localhostProfile;
  if (type === '') return [required(`${path}.type`, 'type is required when appArmorProfile is set')];
  if (!PROFILE_TYPES.includes(type)) return [notSupported(`${path}.type`, type, PROFILE_TYPES)];
  if (type !== 'Localhost') {
    return name === undefined ? [] : [invalid(field, name, 'can only be set when AppArmor type is Localhost')];
  }
  if (name === undefined || name === '') return [required(field, 'must be set when AppArmor type is Localhost')];
  const errors = name.trim() === name ? [] : [invalid(field, name, 'must not be padded with whitespace')];
  return Buffer.byteLength(name) > PROFILE_PATH_BYTES_MAX
    ? [...errors, tooLong(field, PROFILE_PATH_BYTES_MAX)]
    : errors;
}

function windowsOptionErrors(options: V1WindowsSecurityContextOptions | undefined, path: string): FieldError[] {
  if (options === undefined) return [];
  const errors: FieldError[] = [];
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined) {
    errors.push(...formatErrors(`${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName, isDns1123Subdomain));
  }
  if (gmsaCredentialSpec === '') {
    errors.push(
      invalid(`${path}.gmsaCredentialSpec`, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'),
    );
  }
  if (runAsUserName === '') {
    errors.push(invalid(`${path}.runAsUserName`, runAsUserName, 'runAsUserName cannot be an empty string'));
  } else if (runAsUserName !== undefined && runAsUserName.length > RUN_AS_USER_NAME_BYTES_MAX) {
    errors.push(
      invalid(
        `${path}.runAsUserName`,
        runAsUserName,
        `runAsUserName length must be under ${RUN_AS_USER_NAME_BYTES_MAX} characters`,
      ),
    );
  }
  return errors;
}

/** What the named operating system of a pod does not know. */
export function validateOs(spec: V1PodSpec, path: string): FieldError[] {
  if (spec.os === undefined) return [];
  const name = spec.os.name ?? '';
  if (name === '') return [required(`${path}.os.name`, 'cannot be empty')];
  if (name !== 'linux' && name !== 'windows') return [notSupported(`${path}.os`, name, ['linux', 'windows'])];
  const contexts: [context: object, path: string][] = [];
  if (spec.securityContext !== undefined) contexts.push([spec.securityContext, `${path}.securityContext`]);
  for (const { container, path: at } of containersWithPaths(spec, path)) {
    if (container.securityContext !== undefined) contexts.push([container.securityContext, `${at}.securityContext`]);
  }
  if (name === 'linux') {
    return contexts.flatMap(([context, at]) =>
      forbiddenFields(context, ['windowsOptions'], at, 'windows options cannot be set for a linux pod'),
    );
  }
  const errors = forbiddenFields(
    spec,
    ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'].filter(
      (field) => (spec as unknown as Record<string, unknown>)[field] !== false || field === 'hostUsers',
    ),
    path,
    NOT_ON_WINDOWS,
  );
  for (const [context, at] of contexts) errors.push(...forbiddenFields(context, LINUX_ONLY, at, NOT_ON_WINDOWS));
  return errors;
}

const LINUX_ONLY = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
];

/** A pod in its own user namespace cannot share other namespaces with the host. */
export function validateHostUsers(spec: V1PodSpec, path: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const why = 'when `hostUsers` is false';
  const errors: FieldError[] = [];
  if (spec.hostNetwork === true) errors.push(forbidden(`${path}.hostNetwork`, why));
  if (spec.hostPID === true) errors.push(forbidden(`${path}.hostPID`, why));
  if (spec.hostIPC === true) errors.push(forbidden(`${path}.hostIPC`, why));
  return errors;
}

/** Windows host process containers: all or none, and on the host's network. */
export function validateHostProcess(spec: V1PodSpec, path: string): FieldError[] {
  const podWide = spec.securityContext?.windowsOptions?.hostProcess;
  const errors: FieldError[] = [];
  let containers = 0;
  let hostProcesses = 0;
  for (const { container, path: at } of containersWithPaths(spec, path)) {
    containers += 1;
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (podWide !== undefined && own !== undefined && podWide !== own) {
      errors.push(
        invalid(
          `${at}.securityContext.windowsOptions.hostProcess`,
          own,
          `pod hostProcess value must be identical if both are specified, was ${podWide}`,
        ),
      );
    }
    if (own ?? podWide ?? false) hostProcesses += 1;
  }
  if (hostProcesses === 0) return errors;
  if (hostProcesses !== containers) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.push(invalid(path, '', why));
  }
  if (spec.hostNetwork !== true) {
    const why = 'hostNetwork must be true if pod contains any hostProcess containers';
    errors.push(invalid(`${path}.hostNetwork`, false, why));
  }
  return errors;
}
