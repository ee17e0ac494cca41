import type { V1CSINode, V1CSINodeDriver } from '../../../../lib/schema/generated/types.js';
import { duplicate, invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';

import { formatErrors, isQualifiedName, nonNegativeErrors } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { csiDriverNameErrors } from './csi-driver-name.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const NODE_ID_CHARACTERS_MAX = 256;

export const csiNode = defineKind<V1CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.CSINode',
  allowUnconditionalUpdate: false,
  inert: true,
  validate({ spec }) {
    const names = new Set<string>();
    return (spec?.drivers ?? []).flatMap((driver, index) => {
      const path = `spec.drivers[${index}]`;
      const repeated = names.has(driver.name) ? [duplicate(`${path}.name`, driver.name)] : [];
      names.add(driver.name);
      return [...driverErrors(driver, path), ...repeated, ...topologyKeyErrors(driver.topologyKeys ?? [], path)];
    });
  },
  validateUpdate: (object, old) =>
    (old.spec?.drivers ?? []).flatMap((before) => {
      const after = object.spec?.drivers.find(({ name }) => name === before.name);
      return after === undefined ? [] : immutableErrors('spec.drivers', withoutLimits(after), withoutLimits(before));
    }),
  columns: [
    {
      name: 'Drivers',
      type: 'integer',
      description: 'Drivers indicates the number of CSI drivers registered on the node',
      cell: (object) => (object.spec?.drivers ?? []).length,
    },
    AGE,
  ],
});

/** Volume limits may change while a driver runs. */
function withoutLimits(driver: V1CSINodeDriver): V1CSINodeDriver {
  const { name, nodeID, topologyKeys = [] } = driver;
  return { name, nodeID, topologyKeys };
}

function driverErrors({ name, nodeID, allocatable }: V1CSINodeDriver, path: string): FieldError[] {
  const idErrors = nodeID ? [] : [required(`${path}.nodeID`)];
  if ((nodeID ?? '').length > NODE_ID_CHARACTERS_MAX) {
    idErrors.push(invalid(`${path}.nodeID`, nodeID, `must be ${NODE_ID_CHARACTERS_MAX} characters or less`));
  }
  return [
    ...csiDriverNameErrors(`${path}.name`, name),
    ...idErrors,
    ...nonNegativeErrors(`${path}.allocatable.count`, allocatable?.count),
  ];
}

function topologyKeyErrors(keys: readonly string[], path: string): FieldError[] {
  return keys.flatMap((key, index) => [
    ...(key === '' ? [required(path)] : []),
    ...(keys.indexOf(key) < index ? [duplicate(path, key)] : []),
    ...formatErrors(path, key, isQualifiedName),
  ]);
}
