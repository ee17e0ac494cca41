import { duplicate, forbidden, invalid, required, tooMany, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1CustomResourceColumnDefinition,
  V1CustomResourceDefinition,
  V1CustomResourceDefinitionNames,
  V1CustomResourceDefinitionSpec,
  V1CustomResourceDefinitionVersion,
  V1CustomResourceSubresourceScale,
  V1JSONSchemaProps,
} from '../../../../lib/schema/generated/types.js';
import type { StructuralSchema } from '../../../../lib/schema/structural/index.js';
import { isDns1035Label, isDns1123Subdomain } from '../shared/formats.js';
import { oneOfErrors } from '../shared/one-of.js';
import { followFieldPath } from './cel-rules.js';
import { estimateRegexSize } from '../../../../lib/regex-size.js';
import { versionSchemaErrors } from './schema-rules.js';

const APPROVAL = 'api-approved.kubernetes.io';
const APPROVAL_HELP = 'see https://github.com/kubernetes/enhancements/pull/1111';
const SCOPES = ['Cluster', 'Namespaced'];
const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['binary', 'bool', 'byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const DEPRECATION_CHARACTERS_MAX = 256;

export function definitionErrors({ metadata, spec, status }: V1CustomResourceDefinition): FieldError[] {
  if (spec === undefined) return [required('spec')];
  const name = metadata?.name ?? '';
  if (patternsSize(spec.versions) > PATTERNS_SIZE_MAX)
    return [
      invalid('spec.versions', 'array', 'must not have patterns that are larger together than one definition may have'),
    ];
  return [
    ...(name === `${spec.names?.plural ?? ''}.${spec.group}`
      ? []
      : [invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group')]),
    ...specErrors(spec),
    ...acceptedNamesErrors(status?.acceptedNames),
    ...approvalErrors(spec.group, metadata?.annotations?.[APPROVAL]),
  ];
}

/** Instructions of all patterns of a definition together, which are compiled when it is written. */
const PATTERNS_SIZE_MAX = 200_000;

function patternsSize(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (size, [name, member]) =>
      size + (name === 'pattern' && typeof member === 'string' ? estimateRegexSize(member) : patternsSize(member)),
    0,
  );
}

const STRATEGIES = ['None', 'Webhook'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

function conversionErrors({ conversion }: V1CustomResourceDefinitionSpec): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  const path = 'spec.conversion';
  if (!STRATEGIES.includes(strategy)) return oneOfErrors(`${path}.strategy`, strategy, STRATEGIES);
  const { clientConfig, conversionReviewVersions = [] } = webhook ?? {};
  if (strategy === 'None') {
    return [
      ...(clientConfig === undefined
        ? []
        : [forbidden(`${path}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')]),
      ...(conversionReviewVersions.length === 0
        ? []
        : [forbidden(`${path}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook')]),
    ];
  }
  const errors: FieldError[] = [];
  if (clientConfig === undefined)
    errors.push(required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'));
  else if ((clientConfig.url === undefined) === (clientConfig.service === undefined))
    errors.push(required(`${path}.webhookClientConfig`, 'exactly one of url or service is required'));
  else if (clientConfig.url !== undefined && !clientConfig.url.startsWith('https://'))
    errors.push(
      invalid(
        `${path}.webhookClientConfig.url`,
        clientConfig.url,
        `'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      ),
    );
  if (conversionReviewVersions.length === 0) errors.push(required(`${path}.conversionReviewVersions`));
  else if (!conversionReviewVersions.some((version) => REVIEW_VERSIONS.includes(version)))
    errors.push(
      invalid(
        `${path}.conversionReviewVersions`,
        conversionReviewVersions,
        `must include at least one of ${REVIEW_VERSIONS.toReversed().join(', ')}`,
      ),
    );
  return errors;
}

function specErrors(spec: V1CustomResourceDefinitionSpec): FieldError[] {
  const { group, scope, names, versions = [] } = spec;
  return [
    ...conversionErrors(spec),
    ...groupErrors(group),
    ...(scope ? oneOfErrors('spec.scope', scope, SCOPES) : [required('spec.scope')]),
    ...versions.flatMap((version, index) => versionErrors(version, `spec.versions[${index}]`)),
    ...(new Set(versions.map((version) => version.name)).size < versions.length
      ? [invalid('spec.versions', versions, 'must contain unique version names')]
      : []),
    ...(versions.filter((version) => version.storage).length === 1
      ? []
      : [invalid('spec.versions', versions, 'must have exactly one version marked as storage version')]),
    ...(['plural', 'singular', 'kind', 'listKind'] as const).flatMap((field) =>
      names?.[field] ? [] : [required(`spec.names.${field}`)],
    ),
    ...nameErrors(names, 'spec.names'),
  ];
}

function groupErrors(group: string): FieldError[] {
  if (!group) return [required('spec.group')];
  const faults = isDns1123Subdomain(group);
  if (faults.length > 0) return [invalid('spec.group', group, faults.join(','))];
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

/** The format of names of a version, plural, short names, …; several faults are told as one. */
function labelErrors(field: string, value: string | undefined): FieldError[] {
  const faults = isDns1035Label(value ?? '');
  return !value || faults.length === 0 ? [] : [invalid(field, value, faults.join(','))];
}

function kindErrors(field: string, value: string | undefined): FieldError[] {
  const faults = isDns1035Label((value ?? '').toLowerCase());
  return !value || faults.length === 0
    ? []
    : [invalid(field, value, `may have mixed case, but should otherwise match: ${faults.join(',')}`)];
}

export function acceptedNamesErrors(names: V1CustomResourceDefinitionNames | undefined): FieldError[] {
  return nameErrors(names, 'status.acceptedNames');
}

function nameErrors(names: V1CustomResourceDefinitionNames | undefined, path: string): FieldError[] {
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = names ?? { plural: '', kind: '' };
  return [
    ...labelErrors(`${path}.plural`, plural),
    ...labelErrors(`${path}.singular`, singular),
    ...kindErrors(`${path}.kind`, kind),
    ...kindErrors(`${path}.listKind`, listKind),
    ...shortNames.flatMap((name, index) => labelErrors(`${path}.shortNames[${index}]`, name)),
    ...(kind && kind === listKind
      ? [invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same')]
      : []),
    ...categories.flatMap((category, index) => labelErrors(`${path}.categories[${index}]`, category)),
  ];
}

function versionErrors(version: V1CustomResourceDefinitionVersion, path: string): FieldError[] {
  const { name, schema, subresources, additionalPrinterColumns = [] } = version;
  const faults = isDns1035Label(name);
  const root = schema?.openAPIV3Schema;
  return [
    ...(faults.length === 0 ? [] : [invalid(`${path}.name`, name, faults.join(','))]),
    ...deprecationErrors(version, `${path}.deprecationWarning`),
    ...(root === undefined
      ? [required(`${path}.schema.openAPIV3Schema`)]
      : versionSchemaErrors(root, `${path}.schema.openAPIV3Schema`, subresources?.status !== undefined)),
    ...(root === undefined ? [] : selectableErrors(version, root, `${path}.selectableFields`)),
    ...(subresources?.scale === undefined ? [] : scaleErrors(subresources.scale, `${path}.subresources.scale`)),
    ...additionalPrinterColumns.flatMap((column, index) =>
      columnErrors(column, `${path}.additionalPrinterColumns[${index}]`),
    ),
  ];
}

const SELECTABLE_FIELDS_MAX = 8;
const SELECTABLE_TYPES = new Set(['string', 'boolean', 'integer']);

function selectableErrors(
  { selectableFields = [] }: V1CustomResourceDefinitionVersion,
  root: V1JSONSchemaProps,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const field = `${path}[${index}].jsonPath`;
    if (!jsonPath) {
      errors.push(required(field));
      continue;
    }
    const found = jsonPath.includes('[') ? undefined : followFieldPath(root as StructuralSchema, jsonPath);
    if (found === undefined) {
      const why = jsonPath.includes('[') ? 'array notation is not allowed' : 'does not refer to a valid field';
      errors.push(invalid(field, jsonPath, `is an invalid path: ${why}`));
      continue;
    }
    if (jsonPath.startsWith('.metadata')) errors.push(invalid(field, jsonPath, 'must not point to fields in metadata'));
    if (!SELECTABLE_TYPES.has(found.type ?? ''))
      errors.push(
        invalid(
          field,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    if (seen.has(jsonPath)) errors.push(duplicate(field, jsonPath));
    seen.add(jsonPath);
  }
  if (seen.size > SELECTABLE_FIELDS_MAX) errors.push(tooMany(path, seen.size, SELECTABLE_FIELDS_MAX));
  return errors;
}

function deprecationErrors(
  { deprecated = false, deprecationWarning: warning }: V1CustomResourceDefinitionVersion,
  field: string,
): FieldError[] {
  if (warning === undefined) return [];
  if (!deprecated) return [invalid(field, warning, 'can only be set for deprecated versions')];
  if (warning === '') return [invalid(field, warning, 'must not be an empty string')];
  return warning.length > DEPRECATION_CHARACTERS_MAX
    ? [invalid(field, warning, `must be <= ${DEPRECATION_CHARACTERS_MAX} characters long`)]
    : [];
}

function scaleErrors(scale: V1CustomResourceSubresourceScale, path: string): FieldError[] {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...(specReplicasPath
      ? pathErrors(`${path}.specReplicasPath`, specReplicasPath, ['.spec.'])
      : [required(`${path}.specReplicasPath`)]),
    ...(statusReplicasPath
      ? pathErrors(`${path}.statusReplicasPath`, statusReplicasPath, ['.status.'])
      : [required(`${path}.statusReplicasPath`)]),
    ...(labelSelectorPath ? pathErrors(`${path}.labelSelectorPath`, labelSelectorPath, ['.spec.', '.status.']) : []),
  ];
}

function pathErrors(field: string, path: string, starts: readonly string[]): FieldError[] {
  if (!path.startsWith('.')) return [invalid(field, path, 'must be a simple json path starting with .')];
  if (starts.some((start) => path.startsWith(start))) return [];
  const under = starts.length > 1 ? 'either .spec or .status' : (starts[0] ?? '').replace(/\.$/, '');
  return [invalid(field, path, `should be a json path under ${under}`)];
}

function columnErrors({ name, type, format, jsonPath }: V1CustomResourceColumnDefinition, path: string): FieldError[] {
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  const typeErrors = COLUMN_TYPES.includes(type) ? [] : [invalid(`${path}.type`, type, types)];
  const jsonPathErrors = (jsonPath ?? '').startsWith('.')
    ? []
    : [invalid(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .')];
  return [
    ...(name ? [] : [required(`${path}.name`)]),
    ...(type ? typeErrors : [required(`${path}.type`, types)]),
    ...(format && !COLUMN_FORMATS.includes(format)
      ? [invalid(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`)]
      : []),
    ...(jsonPath ? jsonPathErrors : [required(`${path}.JSONPath`)]),
  ];
}

/** Groups of the Kubernetes community are kept for APIs it has agreed on, or that say that it has not. */
function approvalErrors(group: string, approval: string | undefined): FieldError[] {
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(group);
  if (!isProtected) return [];
  const field = `metadata.annotations[${APPROVAL}]`;
  const demand = `protected groups must have approval annotation ${JSON.stringify(APPROVAL)}`;
  if (!approval) return [required(field, `${demand}, ${APPROVAL_HELP}`)];
  return approval.startsWith('unapproved') || URL.canParse(approval)
    ? []
    : [
        invalid(
          field,
          approval,
          `${demand} with either a URL or a reason starting with "unapproved", ${APPROVAL_HELP}`,
        ),
      ];
}

/** Versions in which objects may still be stored must stay. */
export function storedVersionErrors(
  stored: readonly string[],
  versions: readonly V1CustomResourceDefinitionVersion[],
): FieldError[] {
  const field = 'status.storedVersions';
  if (stored.length === 0) return [invalid(field, stored, 'must have at least one stored version')];
  const storage = versions.find((version) => version.storage)?.name;
  return [
    ...(storage === undefined || stored.includes(storage)
      ? []
      : [invalid(field, stored, `must have the storage version ${storage}`)]),
    ...stored.flatMap((name, index) =>
      versions.some((version) => version.name === name)
        ? []
        : [
            invalid(
              `${field}[${index}]`,
              name,
              `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
            ),
          ],
    ),
  ];
}
