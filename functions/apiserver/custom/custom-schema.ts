import { requestEntityTooLarge } from '../../../lib/api/errors.js';
import type { FieldError } from '../../../lib/api/field-errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import { isJsonObject } from '../../../lib/json/path.js';
import {
  applyDefaults,
  DefaultsTooLargeError,
  pruneUnknown,
  validateSchema,
} from '../../../lib/schema/engine/index.js';
import { REF_PREFIX, type Schema, type SchemaSource } from '../../../lib/schema/schema.js';
import {
  compileRuleTree,
  embeddedErrors,
  evaluateRules,
  listTypeErrors,
  OBJECT_META,
  readResourceMeta,
  type RuleTree,
  type StructuralSchema,
} from '../../../lib/schema/structural/index.js';
import { RULES_MAX_MS } from './limits.js';

/** What clients read of apiVersion, kind and metadata in the schema of every kind. */
const API_VERSION_TEXT =
  'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';
const KIND_TEXT =
  'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';
const METADATA_TEXT =
  "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const LIST_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';

export interface CustomSchemaKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
}

/** The schema of one version of a custom resource, and all that is done with it. */
export class CustomSchema {
  /** `com.example.stable.v1.CronTab`, under which OpenAPI publishes it. */
  readonly name: string;
  readonly listName: string;
  readonly #kind: CustomSchemaKind;
  readonly #schema: StructuralSchema;
  readonly #hasStatus: boolean;
  #definition: Schema | undefined;
  #rules: { tree: RuleTree | undefined } | undefined;

  constructor(kind: CustomSchemaKind, schema: StructuralSchema, options: { hasStatus: boolean }) {
    this.#kind = kind;
    this.#schema = schema;
    this.#hasStatus = options.hasStatus;
    const prefix = `${kind.group.split('.').reverse().join('.')}.${kind.version}`;
    this.name = `${prefix}.${kind.kind}`;
    this.listName = `${prefix}.${kind.listKind}`;
  }

  /** The schema of a whole object, with apiVersion, kind and metadata as Kubernetes has them. */
  get definition(): Schema {
    return (this.#definition ??= this.#makeDefinition());
  }

  #makeDefinition(): Schema {
    const { group, version, kind } = this.#kind;
    const { properties = {}, ...root } = this.#schema;
    const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...own } = properties;
    return {
      ...root,
      type: 'object',
      properties: {
        apiVersion: { description: API_VERSION_TEXT, type: 'string' },
        kind: { description: KIND_TEXT, type: 'string' },
        metadata: { description: METADATA_TEXT, $ref: REF_PREFIX + OBJECT_META },
        ...own,
      },
      'x-kubernetes-group-version-kind': [{ group, version, kind }],
    };
  }

  get listDefinition(): Schema {
    const { group, version, kind, listKind } = this.#kind;
    return {
      description: `${listKind} is a list of ${kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { description: API_VERSION_TEXT, type: 'string' },
        items: {
          description: `List of ${plural(kind)}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
          type: 'array',
          items: { $ref: REF_PREFIX + this.name },
        },
        kind: { description: KIND_TEXT, type: 'string' },
        metadata: {
          description:
            'Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
          $ref: REF_PREFIX + LIST_META,
        },
      },
      'x-kubernetes-group-version-kind': [{ group, version, kind: listKind }],
    };
  }

  /** The object with known members only, and the paths of the others. Throws `DecodeError` for metadata of wrong types. */
  decode(
    object: KubernetesObject | Record<string, unknown>,
    source: SchemaSource,
  ): { object: Record<string, unknown>; unknownPaths: string[] } {
    const read = readResourceMeta(this.#schema, object as Record<string, unknown>, source);
    const paths: string[] = [];
    const pruned = pruneUnknown(this.#schema, read.object, source, { paths });
    return { object: pruned, unknownPaths: [...read.unknownPaths, ...paths] };
  }

  /** Drops what the schema does not have and fills in its defaults; the same object when there was nothing to do. Throws 413 for too large ones. */
  complete<T extends object>(object: T, source: SchemaSource): T {
    try {
      return applyDefaults(this.#schema, pruneUnknown(this.#schema, object, source), source);
    } catch (error) {
      if (error instanceof DefaultsTooLargeError) throw requestEntityTooLarge(error.message);
      throw error;
    }
  }

  /** All that is wrong with an object. Of an update, what it does not touch only warns or is not looked at. */
  validate(
    object: KubernetesObject,
    old: KubernetesObject | undefined,
    context: { source: SchemaSource; clock: Clock; subresource: string },
  ): { errors: FieldError[]; warnings: string[] } {
    const { source, clock } = context;
    const deadlineMs = clock.now() + RULES_MAX_MS;
    const isOverdue = (): boolean => clock.now() > deadlineMs;
    const errors =
      context.subresource === 'status' && this.#hasStatus
        ? this.#statusErrors(object, old, { source, isOverdue })
        : validateSchema(this.#schema, object, source, { isOverdue, ...(old === undefined ? {} : { old }) });
    errors.push(...embeddedErrors(this.#schema, object));
    if (old === undefined || listTypeErrors(this.#schema, old).length === 0)
      errors.push(...listTypeErrors(this.#schema, object));
    const tree = (this.#rules ??= { tree: compileRuleTree(this.#schema, true) }).tree;
    if (tree === undefined) return { errors, warnings: [] };
    if (errors.some(({ type }) => BLOCKING.has(type))) return { errors: [...errors, NOT_CHECKED], warnings: [] };
    const result = evaluateRules(tree, object, old, isOverdue);
    return { errors: [...errors, ...result.errors], warnings: result.warnings };
  }

  #statusErrors(
    object: KubernetesObject,
    old: KubernetesObject | undefined,
    { source, isOverdue }: { source: SchemaSource; isOverdue: () => boolean },
  ): FieldError[] {
    const schema = this.#schema.properties?.['status'];
    const status = (object as { status?: unknown }).status;
    if (schema === undefined || status === undefined) return [];
    const before = (old as { status?: unknown } | undefined)?.status;
    const options = { path: 'status', isOverdue, ...(isJsonObject(before) ? { old: before } : {}) };
    return validateSchema(schema, status, source, options);
  }
}

/** Faults of an object's form, with which its rules are not run. */
const BLOCKING = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const NOT_CHECKED: FieldError = {
  type: 'FieldValueInvalid',
  field: '<nil>',
  body: 'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
};

function plural(kind: string): string {
  const name = kind.toLowerCase();
  return name.endsWith('s') ? `${name}es` : `${name}s`;
}
