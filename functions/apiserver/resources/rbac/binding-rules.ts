import { invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import type { RbacV1Subject } from '../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../shared/equality.js';
import { formatErrors, isDns1123Subdomain } from '../shared/formats.js';
import { oneOfErrors } from '../shared/one-of.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import type { Binding } from './binding.js';

const GROUP = 'rbac.authorization.k8s.io';
const SUBJECT_KINDS = ['ServiceAccount', 'User', 'Group'];

export function defaultBinding({ roleRef, subjects }: Binding): void {
  roleRef.apiGroup ||= GROUP;
  for (const subject of subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= GROUP;
  }
}

/** A RoleBinding (namespaced) may bind roles of either kind; service accounts of its own namespace need not say so. */
export function bindingErrors(
  { roleRef, subjects }: Binding,
  { isNamespaced }: { isNamespaced: boolean },
): FieldError[] {
  const kinds = isNamespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  return [
    ...oneOfErrors('roleRef.apiGroup', roleRef.apiGroup ?? '', [GROUP]),
    ...oneOfErrors('roleRef.kind', roleRef.kind, kinds),
    ...requiredFormatErrors('roleRef.name', roleRef.name, isPathSegmentName),
    ...(subjects ?? []).flatMap((subject, index) => subjectErrors(subject, isNamespaced, `subjects[${index}]`)),
  ];
}

function subjectErrors(subject: RbacV1Subject, isNamespaced: boolean, path: string): FieldError[] {
  const { kind, name, namespace, apiGroup = '' } = subject;
  const errors = name ? [] : [required(`${path}.name`)];
  switch (kind) {
    case 'ServiceAccount':
      if (name) errors.push(...formatErrors(`${path}.name`, name, isDns1123Subdomain));
      errors.push(...oneOfErrors(`${path}.apiGroup`, apiGroup, ['']));
      if (!isNamespaced && !namespace) errors.push(required(`${path}.namespace`));
      return errors;
    case 'User':
    case 'Group':
      return [...errors, ...oneOfErrors(`${path}.apiGroup`, apiGroup, [GROUP])];
    default:
      return [...errors, notSupported(`${path}.kind`, kind, SUBJECT_KINDS)];
  }
}

export function roleRefChangeErrors(object: Binding, old: Binding): FieldError[] {
  if (semanticallyEqual(object.roleRef, old.roleRef)) return [];
  const { apiGroup, kind, name } = object.roleRef;
  return [invalid('roleRef', { APIGroup: apiGroup, Kind: kind, Name: name }, 'cannot change roleRef')];
}
