import { badRequest, unsupportedMediaType } from '../../../lib/api/errors.js';
import { apiVersionOf, parseApiVersion, type KubernetesObject } from '../../../lib/api/meta.js';
import { SyntaxFault } from '../../../lib/json/errors.js';
import { parseJson, strictJsonErrors } from '../../../lib/json/parse.js';
import { isJsonObject } from '../../../lib/json/path.js';
import { duplicateYamlKeysError, parseYaml } from '../../../lib/json/yaml.js';
import { ProtobufError } from '../../../lib/schema/protobuf/errors.js';
import { decodeProtobuf as readProtobuf } from '../../../lib/schema/protobuf/protobuf.js';
import { DecodeError } from '../../../lib/schema/engine/index.js';
import { REQUEST_BODY_MAX_BYTES } from './limits.js';
import type { Call, Registry, WriteOptions } from './context.js';
import { decodeAs } from './schema-rules.js';

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
export const BODY_TYPES = ['application/json', 'application/yaml', PROTOBUF_TYPE] as const;
/** Nothing but the schema of a definition knows a custom resource's fields, and it has no numbers for them. */
const CUSTOM_BODY_TYPES = ['application/json', 'application/yaml'] as const;
type BodyType = (typeof BODY_TYPES)[number];

/** What a body must be: one kind in one version, described by a schema. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Name of the definition. */
  readonly schema: string;
  /** Clients send it under several group versions (DeleteOptions), so the stated one does not matter. */
  readonly anyVersion?: boolean;
}

/** How much of a body that is not understood is quoted. */
const SUMMARY_MAX_BYTES = 30;

/** The media type without parameters, in lower case. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * The object in a request's body: known fields only, of the right types. What strict decoding finds is refused, warned of or
 * ignored as the client asked. Defaults are not filled in yet.
 */
export async function decodeBody(
  registry: Registry,
  call: Call,
  expected: ExpectedKind,
  options: Pick<WriteOptions, 'fieldValidation'>,
): Promise<KubernetesObject> {
  bodyTypeOf(call.request.header('content-type'));
  return decodeGiven(registry, call, await call.request.body(REQUEST_BODY_MAX_BYTES), expected, options);
}

/** `decodeBody` of a body that has been read. */
export function decodeGiven(
  registry: Registry,
  call: Call,
  bytes: Uint8Array,
  expected: ExpectedKind,
  options: Pick<WriteOptions, 'fieldValidation'>,
): KubernetesObject {
  const type = bodyTypeOf(call.request.header('content-type'));
  if (type === PROTOBUF_TYPE && registry.schemas.custom?.(expected.schema) !== undefined)
    throw unsupportedMediaType(CUSTOM_BODY_TYPES);
  const decoded = decodeBytes(registry, bytes, type, expected);
  applyStrictness(decoded, expected, options.fieldValidation, call);
  return decoded.object;
}

function bodyTypeOf(header: string | undefined): BodyType {
  const type = mediaType(header);
  if (type === '') return 'application/json';
  const known = BODY_TYPES.find((one) => one === type);
  if (known === undefined) throw unsupportedMediaType(BODY_TYPES);
  return known;
}

interface Decoded {
  object: KubernetesObject;
  /** In the order of the document. */
  strictErrors: string[];
}

function decodeBytes(registry: Registry, bytes: Uint8Array, type: BodyType, expected: ExpectedKind): Decoded {
  if (type === PROTOBUF_TYPE) return decodeProtobuf(registry, bytes, expected);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const { value, hasDuplicates, duplicateError } = parseText(text, type, expected, bytes);
  const given = asObject(value, expected, bytes);
  matchKind(registry, given, expected, bytes);
  const { object, unknownPaths } = fitSchema(registry, given, expected);
  keepReset(object, given);
  if (unknownPaths.length === 0 && !hasDuplicates) return { object, strictErrors: [] };
  if (type === 'application/json') return { object, strictErrors: strictJsonErrors(text, unknownPaths) };
  const unknown = unknownPaths.map((path) => `unknown field ${JSON.stringify(path)}`);
  return { object, strictErrors: duplicateError === undefined ? unknown : [duplicateError, ...unknown] };
}

function parseText(
  text: string,
  type: BodyType,
  expected: ExpectedKind,
  bytes: Uint8Array,
): { value: unknown; hasDuplicates: boolean; duplicateError?: string } {
  try {
    if (type === 'application/json') {
      let hasDuplicates = false;
      const value = parseJson(text, { onDuplicateKey: () => (hasDuplicates = true) });
      return { value, hasDuplicates };
    }
    const duplicates: { key: string; line: number }[] = [];
    const value = parseYaml(text, { onDuplicateKey: (key, line) => duplicates.push({ key, line }) });
    return { value, hasDuplicates: duplicates.length > 0, duplicateError: duplicateYamlKeysError(duplicates) };
  } catch (error) {
    if (error instanceof SyntaxFault) {
      throw unrecognized(expected, `couldn't get version/kind; json parse error: ${error.message}`, bytes);
    }
    throw error;
  }
}

function asObject(value: unknown, expected: ExpectedKind, bytes: Uint8Array): KubernetesObject {
  if (isJsonObject(value)) return value as KubernetesObject;
  const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  throw unrecognized(
    expected,
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${found === 'boolean' ? 'bool' : found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    bytes,
  );
}

function unrecognized(expected: ExpectedKind, fault: string, bytes: Uint8Array): Error {
  return badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${fault} (${summarise(bytes)})`,
  );
}

function summarise(bytes: Uint8Array): string {
  if (bytes.byteLength === 0) return '<empty>';
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const encoding = buffer[0] === 0x7b ? 'utf8' : 'hex';
  const head = buffer.subarray(0, SUMMARY_MAX_BYTES).toString(encoding);
  return buffer.byteLength > SUMMARY_MAX_BYTES ? `${head} ...` : head;
}

/** A missing kind or version is the expected one; another is refused in Kubernetes' words. Sets both. */
function matchKind(registry: Registry, object: KubernetesObject, expected: ExpectedKind, bytes: Uint8Array): void {
  const apiVersion = apiVersionOf(expected.group, expected.version);
  const given = typeof object.apiVersion === 'string' && object.apiVersion !== '' ? object.apiVersion : apiVersion;
  const kind = typeof object.kind === 'string' && object.kind !== '' ? object.kind : expected.kind;
  const isExpected = given === apiVersion || expected.anyVersion === true;
  if (!isExpected || kind !== expected.kind) throw refuseKind(registry, { apiVersion: given, kind }, expected, bytes);
  object.apiVersion = apiVersion;
  object.kind = expected.kind;
}

function refuseKind(
  registry: Registry,
  given: { apiVersion: string; kind: string },
  expected: ExpectedKind,
  bytes: Uint8Array,
): Error {
  const { apiVersion, kind } = given;
  if (apiVersion.split('/').length > 2) {
    return unrecognized(expected, `unexpected GroupVersion string: ${apiVersion}`, bytes);
  }
  const { version } = parseApiVersion(apiVersion);
  if (kind === expected.kind && registry.catalog.serves(apiVersion, kind)) {
    const wanted = apiVersionOf(expected.group, expected.version);
    return badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`,
    );
  }
  const into = `${expected.group === '' ? 'core' : expected.group.split('.')[0]}.${expected.kind}`;
  const why = registry.catalog.serves(apiVersion, kind)
    ? `converting (${version}.${kind}) to (${into}): unknown conversion`
    : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`;
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${why}`);
}

/** An empty list of managedFields is not the same as none, unlike other lists: it takes them all away. */
export function keepReset(object: KubernetesObject, given: object): void {
  const managedFields = (given as KubernetesObject).metadata?.managedFields;
  if (!Array.isArray(managedFields) || managedFields.length > 0 || object.metadata === undefined) return;
  object.metadata = { ...object.metadata, managedFields: [] };
}

/** The object as its schema reads it: unknown fields dropped (and named), values of wrong types refused. */
export function fitSchema(
  registry: Registry,
  object: KubernetesObject,
  expected: ExpectedKind,
): { object: KubernetesObject; unknownPaths: string[] } {
  try {
    return decodeAs(registry, expected.schema, object);
  } catch (error) {
    if (error instanceof DecodeError) throw cannotBeHandled(expected, error.message);
    throw error;
  }
}

export function cannotBeHandled(expected: ExpectedKind, fault: string): Error {
  return badRequest(
    `${expected.kind} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: ${fault}`,
  );
}

/** What strict decoding found, as the client wants it. */
export function applyStrictness(
  decoded: { strictErrors: readonly string[] },
  expected: ExpectedKind,
  validation: WriteOptions['fieldValidation'],
  call: Call,
): void {
  const { strictErrors } = decoded;
  if (strictErrors.length === 0 || validation === 'Ignore') return;
  if (validation === 'Strict') throw cannotBeHandled(expected, `strict decoding error: ${strictErrors.join(', ')}`);
  for (const text of strictErrors) call.warnings.add(text);
}

function decodeProtobuf(registry: Registry, bytes: Uint8Array, expected: ExpectedKind): Decoded {
  const fallback = { apiVersion: apiVersionOf(expected.group, expected.version), kind: expected.kind };
  let given: KubernetesObject;
  try {
    given = readProtobuf(bytes, registry.schemas, fallback).object;
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw error.code === 'UnknownKind'
      ? cannotBeHandled(expected, error.message)
      : unrecognized(expected, error.message, bytes);
  }
  matchKind(registry, given, expected, bytes);
  return { object: fitSchema(registry, given, expected).object, strictErrors: [] };
}
