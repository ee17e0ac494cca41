import type { KubernetesObject } from '../../../../lib/api/meta.js';
import type { RbacV1Subject, V1RoleRef } from '../../../../lib/schema/generated/types.js';
import type { Column } from '../kind.js';
import { AGE } from '../shared/columns.js';

/** What RoleBinding and ClusterRoleBinding have in common. */
export interface Binding extends KubernetesObject {
  roleRef: V1RoleRef;
  subjects?: RbacV1Subject[];
}

export function bindingColumns(noun: string): Column<Binding>[] {
  return [
    {
      name: 'Role',
      type: 'string',
      description: 'The role that is granted.',
      cell: (object) => `${object.roleRef.kind}/${object.roleRef.name}`,
    },
    AGE,
    subjectsColumn('Users', noun, 'User', (subject) => subject.name),
    subjectsColumn('Groups', noun, 'Group', (subject) => subject.name),
    subjectsColumn(
      'ServiceAccounts',
      noun,
      'ServiceAccount',
      (subject) => `${subject.namespace ?? ''}/${subject.name}`,
    ),
  ];
}

function subjectsColumn(
  name: string,
  noun: string,
  kind: string,
  text: (subject: RbacV1Subject) => string,
): Column<Binding> {
  return {
    name,
    type: 'string',
    priority: 1,
    description: `${name} in the ${noun}`,
    cell: (object) =>
      (object.subjects ?? [])
        .filter((subject) => subject.kind === kind)
        .map(text)
        .join(', '),
  };
}
