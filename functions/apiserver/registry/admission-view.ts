import { badRequest, internalError, invalidError } from '../../../lib/api/errors.js';
import { invalid } from '../../../lib/api/field-errors.js';
import { parseApiVersion, type GroupVersionKind, type KubernetesObject } from '../../../lib/api/meta.js';
import { DecodeError } from '../../../lib/schema/engine/index.js';
import { isJsonObject } from '../../../lib/json/path.js';
import { mergeTypeOf, type MergeType } from '../../../lib/schema/apply/index.js';
import { mergeValues } from '../../../lib/schema/apply/merge.js';
import { MergeError } from '../admission/plugin.js';
import type { AdmissionPhase, ObjectForm, Reinvocation, RequestView } from '../admission/plugin.js';
import type { KindDefinition } from '../resources/kind.js';
import { showSameObjects, type Resource } from './catalog.js';
import type { Call, Registry } from './context.js';
import { fromStorage, toStorage } from './convert.js';
import type { ExpectedKind } from './decode.js';
import { cloneJson } from './json-values.js';
import { ADMISSION_MAX_MS } from './limits.js';
import { matchNamespace, restore, withMeta, type WithMeta } from './metadata.js';
import { requestOptions } from './options.js';
import { decodeAs, definitionOf } from './schema-rules.js';
import { SCALE_KIND, scaleOf, withScale } from './scale.js';

/** The two rounds of mutating admission, the second of which is run only when asked for. */
export class AdmissionRounds implements Reinvocation {
  isAgain = false;
  readonly memory = new Map<string, unknown>();
  #isRequested = false;

  request(): void {
    this.#isRequested = true;
  }

  /** True once: when a second round is due. */
  again(): boolean {
    if (this.isAgain || !this.#isRequested) return false;
    return (this.isAgain = true);
  }
}

const OPTION_KINDS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

interface ViewedWrite {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly subresource: string;
  /** In storage version. */
  readonly object: WithMeta | undefined;
  readonly old: WithMeta | undefined;
  readonly dryRun: boolean;
  readonly isNameGenerated?: boolean;
}

/** A write of a stored object, or of a part of it. */
export class WriteView implements RequestView {
  readonly deadlineMs: number;
  readonly #registry: Registry;
  readonly #call: Call;
  readonly #write: ViewedWrite;
  #form: ObjectForm | undefined;
  #equivalents: readonly ObjectForm[] | undefined;

  constructor(registry: Registry, call: Call, write: ViewedWrite) {
    this.#registry = registry;
    this.#call = call;
    this.#write = write;
    this.deadlineMs = registry.clock.now() + ADMISSION_MAX_MS;
  }

  /** Made when somebody asks for it: hosts find it dear. */
  get signal(): AbortSignal {
    return this.#call.request.signal;
  }

  get options(): KubernetesObject {
    return requestOptions(this.#call.query, OPTION_KINDS[this.#write.operation], this.#write.dryRun);
  }

  get form(): ObjectForm {
    return (this.#form ??= this.#formOf(this.#call.resource));
  }

  name(phase: AdmissionPhase): string {
    const { object, old, isNameGenerated = false } = this.#write;
    return phase === 'mutate' && isNameGenerated ? '' : ((object ?? old)?.metadata.name ?? '');
  }

  equivalents(): readonly ObjectForm[] {
    const { resource } = this.#call;
    return (this.#equivalents ??= this.#registry.catalog
      .all()
      .filter((one) => one !== resource && showSameObjects(one, resource))
      .map((one) => this.#formOf(one)));
  }

  #formOf(resource: Resource): ObjectForm {
    return new WrittenForm(this.#registry, resource, this.#write);
  }
}

/** A stored object as one served version shows it. */
class WrittenForm implements ObjectForm {
  readonly #registry: Registry;
  readonly #resource: Resource;
  readonly #write: ViewedWrite;

  constructor(registry: Registry, resource: Resource, write: ViewedWrite) {
    this.#registry = registry;
    this.#resource = resource;
    this.#write = write;
  }

  get group(): string {
    return this.#resource.group;
  }

  get version(): string {
    return this.#resource.version;
  }

  get resource(): string {
    return this.#resource.plural;
  }

  get kind(): GroupVersionKind {
    const { group, version, kind } = this.#isScale ? SCALE_KIND : this.#resource;
    return { group, version, kind };
  }

  get #isScale(): boolean {
    return this.#write.subresource === 'scale';
  }

  async object(phase: AdmissionPhase): Promise<KubernetesObject | undefined> {
    const { object, operation, isNameGenerated = false } = this.#write;
    if (object === undefined) return undefined;
    const shown = withMeta(cloneJson(await this.#show(object)));
    if (phase === 'mutate' && operation === 'CREATE') {
      const { metadata } = shown;
      delete metadata.uid;
      delete metadata.creationTimestamp;
      delete metadata.generation;
      if (isNameGenerated) delete metadata.name;
    }
    return shown;
  }

  async oldObject(): Promise<KubernetesObject | undefined> {
    const { old } = this.#write;
    return old === undefined ? undefined : this.#show(old);
  }

  async accept(given: KubernetesObject): Promise<void> {
    const { object } = this.#write;
    if (object === undefined) throw new Error('there is no object to change');
    const expected = this.#isScale ? SCALE_KIND : this.#resource;
    const decoded = withMeta(decodeChanged(this.#registry, given, expected));
    if (this.#isScale) {
      replaceContents(object, withScale(this.#resource, decoded, object));
      return;
    }
    this.#checkMetadata(decoded, object);
    replaceContents(object, await this.#toWritten(decoded, object));
  }

  merge(object: KubernetesObject, part: object): KubernetesObject {
    return mergePart(this.#registry, this.#isScale ? SCALE_KIND : this.#resource, object, part);
  }

  /** What a client could not have set either. */
  #checkMetadata(given: WithMeta, object: WithMeta): void {
    const { operation, old, isNameGenerated = false } = this.#write;
    const { metadata } = given;
    matchNamespace(given, object.metadata.namespace ?? '');
    if (operation === 'UPDATE') {
      const uid = old?.metadata.uid ?? '';
      if ((metadata.uid ?? '') !== '' && metadata.uid !== uid) {
        const { group, kind } = this.#resource;
        const fault = invalid('metadata.uid', metadata.uid, 'field is immutable');
        throw invalidError({ group, kind }, object.metadata.name ?? '', [fault]);
      }
    }
    if (isNameGenerated && (metadata.name ?? '') === '') restore(metadata, object.metadata, 'name');
    restore(metadata, object.metadata, 'uid');
    restore(metadata, object.metadata, 'resourceVersion');
    restore(metadata, object.metadata, 'creationTimestamp');
    restore(metadata, object.metadata, 'deletionTimestamp');
    restore(metadata, object.metadata, 'deletionGracePeriodSeconds');
    restore(metadata, object.metadata, 'generation');
  }

  /** Custom resources are written in the version of the request; a webhook may have been shown another. */
  async #toWritten(given: WithMeta, object: WithMeta): Promise<WithMeta> {
    if (this.#resource.definition.custom === undefined || object.apiVersion === this.#resource.apiVersion)
      return toStorage(this.#registry, this.#resource, given);
    const { group, version } = parseApiVersion(object.apiVersion ?? '');
    const written = this.#registry.catalog.find(group, version, this.#resource.plural) ?? this.#resource;
    return withMeta(await this.#registry.convertCustom(given, written));
  }

  async #show(stored: WithMeta): Promise<KubernetesObject> {
    if (
      !this.#isScale &&
      this.#resource.definition.custom !== undefined &&
      stored.apiVersion !== this.#resource.apiVersion
    )
      return this.#registry.convertCustom(stored, this.#resource);
    return this.#isScale ? scaleOf(this.#resource, stored) : fromStorage(this.#resource, stored);
  }
}

/** A body that is no object of its resource. */
export class BodyView implements RequestView {
  readonly deadlineMs: number;
  readonly options: KubernetesObject | undefined;
  readonly form: ObjectForm;
  readonly #call: Call;
  readonly #name: string;

  constructor(
    registry: Registry,
    call: Call,
    write: {
      operation: 'CREATE' | 'UPDATE' | 'CONNECT';
      body: KubernetesObject;
      expected: ExpectedKind;
      dryRun: boolean;
    },
  ) {
    const { operation, body, expected, dryRun } = write;
    const { group, version, plural } = call.resource;
    this.#call = call;
    this.deadlineMs = registry.clock.now() + ADMISSION_MAX_MS;
    this.options =
      operation === 'CONNECT'
        ? undefined
        : requestOptions(call.query, operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions', dryRun);
    this.#name = call.path.name === '' ? (body.metadata?.name ?? '') : call.path.name;
    this.form = {
      group,
      version,
      resource: plural,
      kind: { group: expected.group, version: expected.version, kind: expected.kind },
      object: async () => cloneJson(body),
      oldObject: async () => undefined,
      async accept(given) {
        // The options of a connection have no schema: they come from a query.
        replaceContents(body, expected.schema === '' ? given : decodeChanged(registry, given, expected));
      },
      merge: (object, part) => mergePart(registry, expected, object, part),
    };
  }

  get signal(): AbortSignal {
    return this.#call.request.signal;
  }

  name(): string {
    return this.#name;
  }

  equivalents(): readonly ObjectForm[] {
    return [];
  }
}

/** An object that was changed on its way, read as if it had just come in. */
function decodeChanged(registry: Registry, given: KubernetesObject, expected: ExpectedKind): KubernetesObject {
  const { group, version, kind } = expected;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  if (given.apiVersion !== apiVersion || given.kind !== kind) {
    throw internalError(
      `a changed object must keep its kind: it was ${kind} in ${apiVersion} and is ${String(given.kind)} in ${String(given.apiVersion)}`,
    );
  }
  if (given.metadata !== undefined && (typeof given.metadata !== 'object' || given.metadata === null)) {
    throw badRequest('a changed object must keep its metadata');
  }
  try {
    return decodeAs(registry, expected.schema, given).object;
  } catch (error) {
    if (error instanceof DecodeError) throw internalError(error.message);
    throw error;
  }
}

function mergePart(
  registry: Registry,
  { schema, kind, definition }: Pick<ExpectedKind, 'schema' | 'kind'> & { readonly definition?: KindDefinition },
  object: KubernetesObject,
  part: object,
): KubernetesObject {
  if (schema === '') throw new MergeError(`${kind} has no schema to merge by`);
  const goZeroValues = definition?.custom === undefined;
  const type = mergeTypeOf(definitionOf(registry, schema), registry.schemas, { goZeroValues });
  const atomic = [...atomicPaths(type, part, '')];
  if (atomic.length > 0) {
    throw new MergeError(`may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`);
  }
  return mergeValues(type, object, part) as KubernetesObject;
}

/** Where a part holds something that is merged only as a whole. */
function* atomicPaths(type: MergeType | undefined, value: unknown, path: string): Generator<string> {
  if (Array.isArray(value)) {
    const { list } = type ?? {};
    if (list === undefined) return;
    if (list.relationship === 'atomic') yield path;
    else for (const item of value) yield* atomicPaths(list.element, item, `${path}[]`);
  } else if (isJsonObject(value)) {
    const { map } = type ?? {};
    if (map === undefined) return;
    if (map.isAtomic) yield path;
    else
      for (const [name, member] of Object.entries(value))
        yield* atomicPaths(map.fields.get(name)?.type ?? map.element, member, `${path}.${name}`);
  }
}

/** Others hold on to the object itself. */
function replaceContents(target: KubernetesObject, source: KubernetesObject): void {
  for (const name of Object.keys(target)) delete (target as Record<string, unknown>)[name];
  Object.assign(target, source);
}
