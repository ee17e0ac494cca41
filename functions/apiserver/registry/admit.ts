import { invalidError } from '../../../lib/api/errors.js';
import type { FieldError } from '../../../lib/api/field-errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { AdmissionAttributes } from '../admission/plugin.js';
import { AdmissionRounds, BodyView, WriteView } from './admission-view.js';
import { hookContext, type Call, type Registry } from './context.js';
import type { ExpectedKind } from './decode.js';
import type { WithMeta } from './metadata.js';
import type { Resource } from './catalog.js';
import { AUDIT_ANNOTATION_MAX_CHARACTERS, AUDIT_ANNOTATIONS_MAX } from './limits.js';
import { applyDefaults, checkMetadata, checkSchema } from './schema-rules.js';

/** A create or update on its way: decoded and in storage form. */
export interface PendingWrite {
  readonly operation: 'CREATE' | 'UPDATE';
  /** In storage version. */
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  readonly object: WithMeta;
  readonly old: WithMeta | undefined;
  readonly dryRun: boolean;
  /** The server has made up the name: who may still change the object does not see it. */
  readonly isNameGenerated?: boolean;
  /** Puts right what no client and no webhook may set: status, generation, … Runs once nothing mutates the object any more. */
  shape(): void;
}

/** The chain behind authorisation: mutating admission, defaults, validation, validating admission. Throws ApiErrors. */
export async function admitWrite(registry: Registry, call: Call, write: PendingWrite): Promise<void> {
  const { object, old } = write;
  const attributes = {
    operation: write.operation,
    kind: write.resource.definition,
    subresource: write.subresource,
    namespace: write.namespace,
    get name() {
      return object.metadata.name ?? '';
    },
    object,
    oldObject: old,
    user: call.user,
    dryRun: write.dryRun,
    request: new WriteView(registry, call, write),
    reinvocation: new AdmissionRounds(),
    warn: (text: string) => call.warnings.add(text),
    annotate: (key: string, value: string) => annotate(call.annotations, key, value),
  };
  await mutate(registry, attributes);
  write.shape();
  applyDefaults(registry, write.resource, object);
  await write.resource.definition.load?.();
  validate(registry, call, write);
  for (const plugin of registry.admission) await plugin.validate?.(attributes, registry);
}

/** The chain of a delete, which changes no object. */
export async function admitDelete(
  registry: Registry,
  call: Call,
  write: { resource: Resource; namespace: string; name: string; old: WithMeta; dryRun: boolean },
): Promise<void> {
  const { resource, namespace, name, old, dryRun } = write;
  const attributes = {
    operation: 'DELETE' as const,
    kind: resource.definition,
    subresource: '',
    namespace,
    name,
    object: undefined,
    oldObject: old,
    user: call.user,
    dryRun,
    request: new WriteView(registry, call, { operation: 'DELETE', subresource: '', object: undefined, old, dryRun }),
    reinvocation: new AdmissionRounds(),
    warn: (text: string) => call.warnings.add(text),
    annotate: (key: string, value: string) => annotate(call.annotations, key, value),
  };
  await mutate(registry, attributes);
  for (const plugin of registry.admission) await plugin.validate?.(attributes, registry);
}

/** The chain of a body that is no object of its resource: an eviction, a token request, a review; or of a connection, whose options are its object. */
export async function admitBody(
  registry: Registry,
  call: Call,
  write: {
    operation: 'CREATE' | 'UPDATE' | 'CONNECT';
    body: KubernetesObject;
    expected: ExpectedKind;
    dryRun: boolean;
  },
): Promise<void> {
  const attributes = {
    operation: write.operation,
    kind: call.resource.definition,
    subresource: call.path.subresource,
    namespace: call.path.namespace,
    name: call.path.name,
    object: write.body,
    oldObject: undefined,
    user: call.user,
    dryRun: write.dryRun,
    request: new BodyView(registry, call, write),
    reinvocation: new AdmissionRounds(),
    warn: (text: string) => call.warnings.add(text),
    annotate: (key: string, value: string) => annotate(call.annotations, key, value),
  };
  await mutate(registry, attributes);
  for (const plugin of registry.admission) await plugin.validate?.(attributes, registry);
}

async function mutate(
  registry: Registry,
  attributes: AdmissionAttributes & { readonly reinvocation: AdmissionRounds },
): Promise<void> {
  do for (const plugin of registry.admission) await plugin.mutate?.(attributes, registry);
  while (attributes.reinvocation.again());
}

function validate(registry: Registry, call: Call, write: PendingWrite): void {
  const { resource, object, old, subresource } = write;
  const { definition } = resource;
  const context = hookContext(registry, call, write);
  const errors: FieldError[] = checkMetadata(resource, object, old);
  errors.push(
    ...checkSchema(registry, resource, { object, old, subresource, warn: (text) => call.warnings.add(text) }),
  );
  if (subresource === 'status' && old !== undefined) {
    errors.push(...(definition.validateStatusUpdate?.(object, old, context) ?? []));
  } else {
    errors.push(...(definition.validate?.(object, context) ?? []));
    if (old === undefined) errors.push(...(definition.validateCreate?.(object, context) ?? []));
    else errors.push(...(definition.validateUpdate?.(object, old, context) ?? []));
  }
  if (errors.length > 0) {
    const kind = { group: call.resource.group, kind: call.resource.kind };
    throw invalidError(kind, object.metadata.name ?? '', withoutRepeats(errors));
  }
  for (const text of definition.warnings?.(object, old, context) ?? []) call.warnings.add(text);
}

/** The schema and a kind's own rules may both find one fault: the kind says it in Kubernetes' own words. */
function withoutRepeats(errors: readonly FieldError[]): FieldError[] {
  const seen = new Map<string, FieldError>();
  for (const error of errors) seen.set(faultOf(error), error);
  return [...seen.values()];
}

/** What is wrong, without the part of the text that explains it. */
function faultOf({ type, field, body }: FieldError): string {
  switch (type) {
    case 'FieldValueRequired':
      return `${type}\n${field}`;
    case 'FieldValueNotSupported':
      return `${type}\n${field}\n${body.split(': supported values: ')[0]}`;
    default:
      return `${type}\n${field}\n${body}`;
  }
}

function annotate(annotations: Map<string, string>, key: string, value: string): void {
  if (annotations.has(key) || annotations.size >= AUDIT_ANNOTATIONS_MAX) return;
  annotations.set(key, value.slice(0, AUDIT_ANNOTATION_MAX_CHARACTERS));
}
