import { REF_PREFIX, type Schema } from '../../lib/schema/schema.js';
import { parseApiVersion } from '../../lib/api/meta.js';
import { jsonFields, type DefinitionFacts, type FieldFacts, type Facts } from './facts.js';
import type { Model } from './models.js';
import { SPECIAL } from './special.js';

const SCALARS: Record<string, { schema: Schema; zero?: unknown }> = {
  string: { schema: { type: 'string' }, zero: '' },
  bool: { schema: { type: 'boolean' }, zero: false },
  int32: { schema: { type: 'integer', format: 'int32' }, zero: 0 },
  int64: { schema: { type: 'integer', format: 'int64' }, zero: 0 },
  double: { schema: { type: 'number', format: 'double' }, zero: 0 },
  bytes: { schema: { type: 'string', format: 'byte' } },
};

/** What the process loads of the built-in kinds, without descriptions. */
export interface GeneratedSchemas {
  definitions: Record<string, Schema>;
  /** Definition names by `apps/v1/Deployment`. */
  kinds: Record<string, string>;
}

/** All definitions that have a model, with what `facts` adds. Throws when a reference would dangle. */
export function buildSchemas(models: Map<string, Model>, facts: Facts): GeneratedSchemas {
  const definitions: Record<string, Schema> = {};
  const kinds: Record<string, string> = {};
  const isMessage = (name: string): boolean => definitions[name] !== undefined && SPECIAL[name] === undefined;
  for (const [name, { schema }] of Object.entries(SPECIAL)) definitions[name] = schema;
  for (const [name, about] of [...facts].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const isEmpty = about.fields !== undefined && Object.keys(about.fields).length === 0;
    if (models.has(name) || isEmpty) definitions[name] = {};
  }
  for (const [name, about] of facts) {
    const target = definitions[name];
    if (target === undefined) continue;
    Object.assign(target, new DefinitionBuilder(name, facts, isMessage).build(about));
    for (const kind of about.kinds ?? []) kinds[kind] = name;
  }
  return { definitions, kinds };
}

class DefinitionBuilder {
  private readonly name: string;
  private readonly facts: Facts;
  private readonly isMessage: (name: string) => boolean;

  constructor(name: string, facts: Facts, isMessage: (name: string) => boolean) {
    this.name = name;
    this.facts = facts;
    this.isMessage = isMessage;
  }

  build(about: DefinitionFacts): Schema {
    const fields = jsonFields(this.facts, this.name);
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const [field, fieldFacts] of fields) {
      properties[field] = this.property(fieldFacts);
      if (fieldFacts.required === true) required.push(field);
    }
    return {
      type: 'object',
      ...(fields.length === 0 ? {} : { properties }),
      ...(required.length === 0 ? {} : { required: required.sort() }),
      ...(about.mapType === undefined ? {} : { 'x-kubernetes-map-type': about.mapType }),
      ...(about.kinds === undefined ? {} : { 'x-kubernetes-group-version-kind': about.kinds.map(parseKind) }),
      ...(about.unions === undefined ? {} : { 'x-kubernetes-unions': about.unions }),
    };
  }

  private property(about: FieldFacts): Schema {
    const { schema, zero } = this.type(about.type, about.itemEnum);
    return {
      ...schema,
      ...optional('default', this.default(about, zero)),
      ...optional('enum', about.enum),
      ...optional('x-kubernetes-list-type', about.listType),
      ...optional('x-kubernetes-list-map-keys', about.listMapKeys),
      ...optional('x-kubernetes-map-type', about.mapType),
      ...optional('x-kubernetes-patch-strategy', about.patchStrategy),
      ...optional('x-kubernetes-patch-merge-key', about.patchMergeKey),
    };
  }

  private default(about: FieldFacts, zero: unknown): unknown {
    if (about.default === undefined) return about.omitempty === true && !isObject(zero) ? undefined : zero;
    // Kubernetes drops this value from its JSON again, so that no object ever has it.
    return about.omitempty === true && about.default === zero ? undefined : about.default;
  }

  /** The schema of a type, and the value that Kubernetes' own JSON has for it when nothing was given. */
  private type(type: string, itemEnum?: string[]): { schema: Schema; zero?: unknown } {
    if (type.startsWith('*')) return { schema: this.type(type.slice(1)).schema };
    if (type.startsWith('[]')) {
      return { schema: { type: 'array', items: { ...this.element(type.slice(2)), ...optional('enum', itemEnum) } } };
    }
    const map = /^map\[[^\]]*\](.*)$/.exec(type);
    if (map?.[1] !== undefined)
      return {
        schema: { type: 'object', additionalProperties: { ...this.element(map[1]), ...optional('enum', itemEnum) } },
      };
    const scalar = SCALARS[type];
    if (scalar !== undefined) return scalar;
    const list = this.facts.get(type)?.items;
    if (list !== undefined) return { schema: { type: 'array', items: this.element(list) } };
    if (this.isMessage(type)) return { schema: { $ref: REF_PREFIX + type }, zero: {} };
    if (SPECIAL[type] !== undefined) return { schema: { $ref: REF_PREFIX + type } };
    throw new Error(
      `${this.name} refers to ${type}, which has no model; are lib/schema/facts and the models of one version?`,
    );
  }

  private element(type: string): Schema {
    const { schema, zero } = this.type(type);
    return { ...schema, ...optional('default', zero) };
  }
}

function optional(key: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [key]: value };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function parseKind(text: string): { group: string; version: string; kind: string } {
  const slash = text.lastIndexOf('/');
  return { ...parseApiVersion(text.slice(0, slash)), kind: text.slice(slash + 1) };
}
