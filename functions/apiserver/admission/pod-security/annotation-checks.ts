import type { V1Container, V1PodSpec } from '../../../../lib/schema/generated/types.js';
import { containersOf, plural, quoted, setters, uniqueSorted, type CheckedPod, type Violation } from './check.js';

const APP_ARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';
const APP_ARMOR_TYPES: readonly string[] = ['RuntimeDefault', 'Localhost'];
const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/';

/** AppArmor profiles, as fields and as the annotations they once were. */
export function appArmor({ metadata, spec }: CheckedPod): Violation | undefined {
  const badType = ({ securityContext }: Pick<V1PodSpec | V1Container, 'securityContext'>): string | undefined => {
    const profile = securityContext?.appArmorProfile;
    return profile === undefined || APP_ARMOR_TYPES.includes(profile.type) ? undefined : profile.type;
  };
  const containers = containersOf(spec).filter((container) => badType(container) !== undefined);
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([name, value]) => name.startsWith(APP_ARMOR_ANNOTATION) && !isAllowedAppArmor(value))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .toSorted();
  const types = [spec, ...containers].map(badType).filter((type) => type !== undefined);
  const values = [...uniqueSorted(types), ...annotations];
  if (values.length === 0) return undefined;
  const kinds = annotations.length === 0 ? [] : [plural(annotations.length, 'annotation', 'annotations')];
  return {
    reason: plural(values.length, 'forbidden AppArmor profile', 'forbidden AppArmor profiles'),
    detail: `${setters(badType(spec) !== undefined, containers, kinds)} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

function isAllowedAppArmor(profile: string): boolean {
  return profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/');
}

/** Before it was a field. */
export function seccompAnnotations({ metadata, spec }: CheckedPod): Violation | undefined {
  const names = [
    SECCOMP_POD_ANNOTATION,
    ...containersOf(spec).map(({ name }) => `${SECCOMP_CONTAINER_ANNOTATION}${name}`),
  ];
  const bad = uniqueSorted(
    names.flatMap((name) => {
      const value = metadata.annotations?.[name];
      return value === undefined || isAllowedSeccomp(value) ? [] : [`${name}=${JSON.stringify(value)}`];
    }),
  );
  return bad.length === 0
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `forbidden ${plural(bad.length, 'annotation', 'annotations')} ${bad.join(', ')}`,
      };
}

function isAllowedSeccomp(value: string): boolean {
  return value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
}
