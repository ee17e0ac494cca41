import { ApiError, badRequest, conflict } from '../../../lib/api/errors.js';
import { parseApiVersion, type KubernetesObject } from '../../../lib/api/meta.js';
import { SyntaxFault } from '../../../lib/json/errors.js';
import { parseJson } from '../../../lib/json/parse.js';
import { isJsonObject } from '../../../lib/json/path.js';
import { duplicateYamlKeysError, parseYaml } from '../../../lib/json/yaml.js';
import {
  ApplyError,
  applyOverClientSide,
  checkConfiguration,
  compareObjects,
  ConflictError,
  trustedEntries,
  updateManagers,
  withLastApplied,
  type Applied,
  type ApplyRequest,
  type ManagerEntry,
  type MergeType,
} from '../../../lib/schema/apply/index.js';
import type { Call, Registry, WriteOptions } from './context.js';
import { fitSchema } from './decode.js';
import { cloneJson } from './json-values.js';
import { REQUEST_BODY_MAX_BYTES } from './limits.js';
import { matchName, matchNamespace, withMeta, type WithMeta } from './metadata.js';
import { readWriteOptions } from './options.js';
import { BEFORE_FIRST_APPLY, mergeTypeOfResource, objectVersions, scopeOf, writerOf } from './ownership.js';
import { partRules } from './parts.js';
import type { ApiResponse } from './request.js';
import { applyScale, scaleType } from './scale-ownership.js';
import { updateObject, type Wanted } from './update.js';
import type { View } from './view.js';

/** Server-side apply of an object, its status or another view of it: PATCH with `application/apply-patch+yaml`. */
export async function handleApply(registry: Registry, call: Call, view: View): Promise<ApiResponse> {
  const options = readWriteOptions(call.query, 'PatchOptions', true);
  const { config, duplicates } = await readConfiguration(call);
  const apply: Apply = { registry, call, view, options, config };
  const isWhole = call.path.subresource === '';
  const { body, created } = await updateObject(registry, call, {
    options,
    part: view.part,
    isPatch: true,
    mayCreate: isWhole,
    create: async () => {
      const wanted = await applyToNothing(apply);
      reportDuplicates(call, options, duplicates);
      return wanted;
    },
    change: async (old) => {
      const wanted = view.part === 'scale' ? await applyToScale(apply, old) : await applyToObject(apply, old);
      reportDuplicates(call, options, duplicates);
      return wanted;
    },
  });
  return view.present(created ? 201 : 200, body);
}

interface Apply {
  readonly registry: Registry;
  readonly call: Call;
  readonly view: View;
  readonly options: WriteOptions;
  readonly config: KubernetesObject;
}

async function readConfiguration(call: Call): Promise<{ config: KubernetesObject; duplicates: string | undefined }> {
  const bytes = await call.request.body(REQUEST_BODY_MAX_BYTES);
  const json = readJson(bytes);
  if (json !== undefined) return { config: json, duplicates: undefined };
  const duplicates: { key: string; line: number }[] = [];
  try {
    const config = parseYaml(bytes, { onDuplicateKey: (key, line) => duplicates.push({ key, line }) });
    if (isJsonObject(config)) return { config, duplicates: duplicateYamlKeysError(duplicates) };
  } catch (error) {
    if (error instanceof SyntaxFault) throw badRequest(`error decoding YAML: ${error.message}`);
    throw error;
  }
  throw badRequest('error decoding YAML: the configuration is not an object');
}

/** kubectl sends JSON, which is YAML too. Undefined for what is none, or repeats a key: YAML's reader tells the line. */
function readJson(bytes: Uint8Array): KubernetesObject | undefined {
  let hasDuplicates = false;
  try {
    const value = parseJson(bytes, { onDuplicateKey: () => (hasDuplicates = true) });
    return isJsonObject(value) && !hasDuplicates ? (value as KubernetesObject) : undefined;
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

function reportDuplicates(call: Call, options: WriteOptions, duplicates: string | undefined): void {
  if (duplicates === undefined || options.fieldValidation === 'Ignore') return;
  if (options.fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: ${duplicates}`);
  call.warnings.add(duplicates);
}

async function applyToNothing(apply: Apply): Promise<Wanted<KubernetesObject>> {
  const { call } = apply;
  const applied = await merge(apply, {}, []);
  const object = decodeApplied(apply, applied.object);
  const { uid = '' } = object.metadata;
  if (uid !== '') {
    const { name } = call.path;
    const message = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(call.resource.target, name, message);
  }
  return { object, applied: applied.entries };
}

async function applyToObject(apply: Apply, old: WithMeta): Promise<Wanted<WithMeta>> {
  const { view } = apply;
  const served = withMeta({ ...view.read(old) });
  const { managedFields, ...metadata } = served.metadata;
  const live: WithMeta = { ...served, metadata };
  const { object, entries } = await merge(apply, live, trustedEntries(managedFields));
  return { object: view.write(decodeApplied(apply, object), old), applied: entries };
}

/** A copy of the merged object as its schema reads it. */
function decodeApplied({ registry, call, view }: Apply, merged: object): WithMeta {
  const { object } = fitSchema(registry, merged as KubernetesObject, view.expected);
  const given = withMeta(cloneJson(object));
  matchName(given, call.path.name);
  matchNamespace(given, call.path.namespace);
  return given;
}

async function merge(apply: Apply, live: object, entries: readonly ManagerEntry[]): Promise<Applied> {
  const request = requestOf(apply, live, entries);
  try {
    const applied = await applyOverClientSide(request);
    return withLastApplied(applied, request);
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof ConflictError)) return error;
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: error.message,
    details: { causes: error.causes() },
  });
}

function requestOf(apply: Apply, live: object, entries: readonly ManagerEntry[]): ApplyRequest {
  const { registry, call, view, options } = apply;
  const { resource } = call;
  const type = mergeTypeOfResource(registry, resource);
  const config = checkedConfiguration(apply, type);
  const writer = writerOf(registry, call, options);
  const versions = objectVersions(registry, resource);
  const scope = scopeOf(resource, view.part);
  const rule = partRules[view.part];
  const part = rule === undefined ? config : partOf(rule, config);
  let known = entries;
  if (entries.length === 0) {
    const changes = new Map([[resource.apiVersion, compareObjects(type, {}, live, scope)]]);
    known = updateManagers([], changes, { ...writer, manager: BEFORE_FIRST_APPLY });
  }
  return { live, config: part, entries: known, writer, scope, versions, force: options.force };
}

/** Of a configuration what a subresource with a part of its own may write. */
function partOf(rule: (typeof partRules)[string], config: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion } = config.metadata ?? {};
  const identity = withMeta({ apiVersion: config.apiVersion, kind: config.kind, metadata: {} });
  for (const [member, value] of Object.entries({ name, namespace, uid, resourceVersion })) {
    if (value !== undefined) Object.assign(identity.metadata, { [member]: value });
  }
  rule(identity, withMeta({ ...config }));
  return identity;
}

/** The configuration, fit for merging. Refuses what Kubernetes refuses, in its words. */
function checkedConfiguration({ view, config }: Apply, type: MergeType): KubernetesObject {
  const { apiVersion, kind } = config;
  const expected = view.expected;
  const { group, version } = parseApiVersion(typeof apiVersion === 'string' ? apiVersion : '');
  if (group !== expected.group || version !== expected.version || kind !== expected.kind) {
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${typeof kind === 'string' ? kind : ''}`);
  }
  const metadata: unknown = config.metadata;
  if (isJsonObject(metadata) && metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  try {
    checkConfiguration(type, config);
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    const { name = '', namespace = '' } = isJsonObject(metadata)
      ? (metadata as { name?: string; namespace?: string })
      : {};
    throw badRequest(
      `failed to create typed patch object (${namespace}/${name}; ${group}/${version}, Kind=${expected.kind}): ${error.message}`,
    );
  }
  return config;
}

async function applyToScale(apply: Apply, old: WithMeta): Promise<Wanted<WithMeta>> {
  const { registry, call, view, options } = apply;
  const config = checkedConfiguration(apply, scaleType(registry));
  try {
    const scale = await applyScale(registry, call, { config, old, options, live: view.read(old) });
    const object = view.write(decodeApplied(apply, scale.object), old);
    return { object, applied: scale.entries };
  } catch (error) {
    throw refusalOf(error);
  }
}
