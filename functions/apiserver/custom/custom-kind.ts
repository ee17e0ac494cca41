import { findJsonPath, parseJsonPath } from '../../../lib/api/json-path.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type {
  V1CustomResourceDefinition,
  V1CustomResourceDefinitionSpec,
  V1CustomResourceDefinitionVersion,
} from '../../../lib/schema/generated/types.js';
import type { StructuralSchema } from '../../../lib/schema/structural/index.js';
import { cloneJson } from '../registry/json-values.js';
import type { KindDefinition } from '../resources/kind.js';
import { customColumns } from './columns.js';
import { versionedCollection } from './collections.js';
import { CustomSchema } from './custom-schema.js';
import { hasCondition } from './definition-conditions.js';

/** A custom resource in one version, as a kind like any other. */
export interface CustomKind {
  readonly definition: KindDefinition;
  readonly schema: CustomSchema;
  readonly served: boolean;
}

export function makeCustomKind(
  crd: V1CustomResourceDefinition,
  spec: V1CustomResourceDefinitionSpec,
  version: V1CustomResourceDefinitionVersion,
): CustomKind {
  const { group } = spec;
  const names = crd.status?.acceptedNames ?? spec.names;
  const { kind, plural } = names;
  const listKind = names.listKind ?? `${kind}List`;
  const hasStatus = version.subresources?.status !== undefined;
  const root = (version.schema?.openAPIV3Schema ?? { type: 'object' }) as StructuralSchema;
  const schema = new CustomSchema({ group, version: version.name, kind, listKind }, root, { hasStatus });
  const { scale } = version.subresources ?? {};
  const definition: KindDefinition = {
    group,
    version: version.name,
    kind,
    plural,
    singular: names.singular ?? kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: spec.scope === 'Namespaced',
    definition: schema.name,
    listKind,
    custom: schema,
    collection: versionedCollection(group, plural, version.name),
    hasStatus,
    hasGeneration: true,
    allowUnconditionalUpdate: false,
    ...(hasCondition(crd, 'Terminating')
      ? { refusesCreate: 'create not allowed while custom resource definition is terminating' }
      : {}),
    ...(scale === undefined
      ? {}
      : {
          scale: {
            specReplicas: scale.specReplicasPath.replace(/^\./, ''),
            statusReplicas: scale.statusReplicasPath.replace(/^\./, ''),
            selector: (scale.labelSelectorPath ?? '').replace(/^\./, ''),
          },
        }),
    prepareForStatusUpdate: keepMetadata,
    warnings: (object, old) => [...deprecationWarnings(version, spec, kind), ...finalizerWarnings(object, old)],
    columns: customColumns(version.additionalPrinterColumns),
    ...fieldLabelsOf(version),
  };
  return { definition, schema, served: version.served };
}

/** A write of the status changes nothing else, metadata included. */
function keepMetadata(object: KubernetesObject, old: KubernetesObject): void {
  const { managedFields, resourceVersion } = object.metadata ?? {};
  object.metadata = {
    ...cloneJson(old.metadata ?? {}),
    ...(managedFields === undefined ? {} : { managedFields }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function fieldLabelsOf({
  selectableFields = [],
}: V1CustomResourceDefinitionVersion): Pick<KindDefinition, 'fieldLabels'> {
  if (selectableFields.length === 0) return {};
  const labels = selectableFields.map(({ jsonPath }) => {
    const path = parseJsonPath(jsonPath);
    return [
      jsonPath.replace(/^\./, ''),
      (object: KubernetesObject) => labelText(findJsonPath(path, object)[0]),
    ] as const;
  });
  return { fieldLabels: Object.fromEntries(labels) };
}

function labelText(value: unknown): string {
  return typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    typeof value === 'bigint'
    ? String(value)
    : '';
}

export function deprecationWarnings(
  version: V1CustomResourceDefinitionVersion,
  spec: V1CustomResourceDefinitionSpec,
  kind: string,
): string[] {
  if (version.deprecated !== true) return [];
  return [version.deprecationWarning ?? `${spec.group}/${version.name} ${kind} is deprecated`];
}

const STANDARD_FINALIZERS = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

function finalizerWarnings(object: KubernetesObject, old: KubernetesObject | undefined): string[] {
  const before = new Set(old?.metadata?.finalizers);
  return (object.metadata?.finalizers ?? [])
    .filter((name) => !before.has(name) && !name.includes('/') && !STANDARD_FINALIZERS.has(name))
    .map(
      (name) =>
        `metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`,
    );
}
