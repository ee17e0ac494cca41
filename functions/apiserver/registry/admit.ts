import { invalidError } from '../../../lib/api/errors.js';
import type { FieldError } from '../../../lib/api/field-errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { AdmissionAttributes } from '../admission/plugin.js';
import { hookContext, type Call, type Registry } from './context.js';
import type { WithMeta } from './metadata.js';
import type { Resource } from './catalog.js';
import { applyDefaults, checkMetadata, checkSchema } from './schema-rules.js';

/** A create or update on its way: decoded, in storage form, with system fields filled. */
export interface PendingWrite {
  readonly operation: 'CREATE' | 'UPDATE';
  /** In storage version. */
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  readonly object: WithMeta;
  readonly old: WithMeta | undefined;
  readonly dryRun: boolean;
}

/** The chain behind authorisation: mutating admission, defaults, validation, validating admission. Throws ApiErrors. */
export async function admitWrite(registry: Registry, call: Call, write: PendingWrite): Promise<void> {
  const attributes = admissionAttributes(call, write);
  for (const plugin of registry.admission) await plugin.mutate?.(attributes, registry);
  applyDefaults(registry, write.resource, write.object);
  validate(registry, call, write);
  for (const plugin of registry.admission) await plugin.validate?.(attributes, registry);
}

/** The chain of a delete or a connection, which changes no object. */
export async function admitAction(
  registry: Registry,
  call: Call,
  action: {
    operation: 'DELETE' | 'CONNECT';
    resource: Resource;
    namespace: string;
    name: string;
    old: WithMeta | undefined;
    dryRun: boolean;
  },
): Promise<void> {
  const attributes: AdmissionAttributes = {
    operation: action.operation,
    kind: action.resource.definition,
    subresource: '',
    namespace: action.namespace,
    name: action.name,
    object: undefined,
    oldObject: action.old,
    user: call.user,
    dryRun: action.dryRun,
    warn: (text) => call.warnings.add(text),
  };
  for (const plugin of registry.admission) await plugin.mutate?.(attributes, registry);
  for (const plugin of registry.admission) await plugin.validate?.(attributes, registry);
}

/** The chain of a body that is no object of its resource: an eviction, a token request, a review. */
export async function admitBody(
  registry: Registry,
  call: Call,
  write: { operation: 'CREATE' | 'UPDATE'; body: KubernetesObject; dryRun: boolean },
): Promise<void> {
  const attributes: AdmissionAttributes = {
    operation: write.operation,
    kind: call.resource.definition,
    subresource: call.path.subresource,
    namespace: call.path.namespace,
    name: call.path.name,
    object: write.body,
    oldObject: undefined,
    user: call.user,
    dryRun: write.dryRun,
    warn: (text) => call.warnings.add(text),
  };
  for (const plugin of registry.admission) await plugin.mutate?.(attributes, registry);
  for (const plugin of registry.admission) await plugin.validate?.(attributes, registry);
}

function admissionAttributes(call: Call, write: PendingWrite): AdmissionAttributes {
  return {
    operation: write.operation,
    kind: write.resource.definition,
    subresource: write.subresource,
    namespace: write.namespace,
    name: write.object.metadata.name ?? '',
    object: write.object,
    oldObject: write.old,
    user: call.user,
    dryRun: write.dryRun,
    warn: (text) => call.warnings.add(text),
  };
}

function validate(registry: Registry, call: Call, write: PendingWrite): void {
  const { resource, object, old, subresource } = write;
  const { definition } = resource;
  const context = hookContext(registry, call, write);
  const errors: FieldError[] = checkMetadata(resource, object, old);
  errors.push(...checkSchema(registry, resource, object));
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
