import { badRequest, invalidError, unsupportedMediaType, type ApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { SyntaxFault } from '../../../lib/json/errors.js';
import { parseJson, strictJsonErrors } from '../../../lib/json/parse.js';
import { DecodeError } from '../../../lib/schema/engine/index.js';
import { jsonPatch, mergePatch, PatchError, strategicMergePatch } from '../../../lib/schema/patch/index.js';
import { handleApply } from './apply.js';
import type { Call, Registry, WriteOptions } from './context.js';
import { keepReset, mediaType } from './decode.js';
import { cloneJson } from './json-values.js';
import { REQUEST_BODY_MAX_BYTES } from './limits.js';
import { matchName, matchNamespace, withMeta, type WithMeta } from './metadata.js';
import { readWriteOptions } from './options.js';
import type { ApiResponse } from './request.js';
import { decodeAs, definitionOf } from './schema-rules.js';
import { updateObject } from './update.js';
import type { View } from './view.js';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
const PATCH_TYPES: readonly string[] = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH];
/** Nothing tells how the lists of a custom resource are to be merged. */
const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => type !== STRATEGIC_PATCH);

/** PATCH of an object, its status or another view of it. */
export async function handlePatch(registry: Registry, call: Call, view: View): Promise<ApiResponse> {
  const type = mediaType(call.request.header('content-type'));
  const offered = call.resource.definition.custom === undefined ? PATCH_TYPES : CUSTOM_PATCH_TYPES;
  if (!offered.includes(type)) throw unsupportedMediaType(offered);
  if (type === APPLY_PATCH) return handleApply(registry, call, view);
  const options = readWriteOptions(call.query, 'PatchOptions');
  const patch = await readPatch(call);
  const { body } = await updateObject(registry, call, {
    options,
    part: view.part,
    isPatch: true,
    change: (old) => ({ object: patchObject(registry, call, { view, type, patch, options, old }) }),
  });
  return view.present(200, body);
}

interface Patch {
  readonly text: string;
  readonly value: unknown;
  /** What strict decoding says of the patch itself. */
  readonly duplicates: readonly string[];
}

async function readPatch(call: Call): Promise<Patch> {
  const bytes = await call.request.body(REQUEST_BODY_MAX_BYTES);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    let hasDuplicates = false;
    const value = parseJson(text, { onDuplicateKey: () => (hasDuplicates = true) });
    return { text, value, duplicates: hasDuplicates ? strictJsonErrors(text, []) : [] };
  } catch (error) {
    if (error instanceof SyntaxFault) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

function patchObject(
  registry: Registry,
  call: Call,
  request: { view: View; type: string; patch: Patch; options: WriteOptions; old: WithMeta },
): WithMeta {
  const { view, type, patch, options, old } = request;
  const current = view.read(old) as Record<string, unknown>;
  const patched = applyPatch(registry, { view, type, patch: patch.value, current });
  const apiVersion = current.apiVersion;
  if (patched.kind !== current.kind || patched.apiVersion !== apiVersion) {
    throw badRequest(
      `the patch must not change kind and apiVersion: the object is ${String(current.kind)} in ${String(apiVersion)}`,
    );
  }
  const { object, unknownPaths } = fit(registry, view, patch, patched);
  const unknown = unknownPaths.map((path) => `unknown field ${JSON.stringify(path)}`);
  const faults = [...patch.duplicates, ...unknown];
  if (faults.length > 0 && options.fieldValidation === 'Strict') {
    throw refusePatch(patch, `strict decoding error: ${faults.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') for (const fault of faults) call.warnings.add(fault);
  const given = withMeta(cloneJson(object) as KubernetesObject);
  keepReset(given, patched);
  matchName(given, call.path.name);
  matchNamespace(given, call.path.namespace);
  return view.write(given, old);
}

function applyPatch(
  registry: Registry,
  request: { view: View; type: string; patch: unknown; current: Record<string, unknown> },
): Record<string, unknown> {
  const { view, type, patch, current } = request;
  try {
    if (type === JSON_PATCH) return jsonPatch(current, patch);
    if (type === MERGE_PATCH) return mergePatch(current, patch);
    return strategicMergePatch(current, patch, definitionOf(registry, view.expected.schema), registry.schemas);
  } catch (error) {
    if (error instanceof PatchError) throw error.toApiError();
    throw error;
  }
}

/** The patched object as its schema reads it. */
function fit(registry: Registry, view: View, patch: Patch, patched: Record<string, unknown>) {
  try {
    return decodeAs(registry, view.expected.schema, patched);
  } catch (error) {
    if (error instanceof DecodeError) throw refusePatch(patch, error.message);
    throw error;
  }
}

function refusePatch(patch: Patch, detail: string): ApiError {
  return invalidError({ group: '', kind: '' }, '', [
    { type: 'FieldValueInvalid', field: 'patch', body: `Invalid value: ${JSON.stringify(patch.text)}: ${detail}` },
  ]);
}
