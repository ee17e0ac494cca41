import { badRequest } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { parseJson } from '../../../lib/json/parse.js';
import { stringifyJson } from '../../../lib/json/stringify.js';
import { stringifyYaml } from '../../../lib/json/yaml.js';
import type { Resource } from './catalog.js';
import type { Call, Registry } from './context.js';
import { fromStorage } from './convert.js';
import { negotiate, type Representation } from './negotiate.js';
import { parseStored } from './objects.js';
import { readBoolean } from './options.js';
import { prettyJson } from './json-values.js';
import type { ApiResponse } from './request.js';
import { jsonResponse } from './respond.js';
import { columnDefinitions, partialMetadata, tableRow, type IncludeObject } from './table.js';

/** Turns stored bytes into the form a client asked for. Stored bytes themselves are that form in the common case. */
export interface Presenter {
  readonly representation: Representation;
  /** Names the form: frames of watchers with one form are shared. */
  readonly key: string;
  /** One object as it stands alone. */
  object(body: Uint8Array): Uint8Array;
  /** One object inside a list: the same, or a Table row. */
  item(body: Uint8Array): Uint8Array;
  /** What surrounds the items of a list, split where they go. */
  list(metadata: ListMetadata): { head: Uint8Array; tail: Uint8Array };
  /** An object that carries nothing but this metadata. */
  bookmark(metadata: BookmarkMetadata): Uint8Array;
}

export interface BookmarkMetadata {
  resourceVersion: string;
  annotations?: Record<string, string>;
}

export interface ListMetadata {
  /** Absent where nothing is stored. */
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

/** One object, stored bytes, as the client wants it. */
export function present(registry: Registry, call: Call, status: number, body: Uint8Array): ApiResponse {
  const presenter = presenterOf(registry, call);
  return finish(call, presenter.representation, status, presenter.object(body));
}

/** A value that is no stored object (a Status, a Scale, a review): it has no Table and no metadata of its own. */
export function presentValue(call: Call, status: number, value: unknown): ApiResponse {
  const representation = negotiate(call.request.header('accept'));
  return finish(call, representation, status, Buffer.from(stringifyJson(value)));
}

/** Bytes of JSON in the client's format. */
export function finish(call: Call, representation: Representation, status: number, body: Uint8Array): ApiResponse {
  if (representation.format === 'yaml') {
    const text = stringifyYaml(parseJson(body));
    return jsonResponse(status, Buffer.from(text), { 'content-type': 'application/yaml' });
  }
  if (call.query.has('pretty') && readBoolean(call.query, 'pretty')) {
    return jsonResponse(status, Buffer.from(`${prettyJson(parseJson(body))}\n`));
  }
  return jsonResponse(status, body);
}

export function presenterOf(registry: Registry, call: Call): Presenter {
  const { resource } = call;
  const representation = negotiate(call.request.header('accept'));
  switch (representation.as) {
    case 'object':
      return resource.alternate === undefined
        ? plainPresenter(resource, representation)
        : mappedPresenter(resource, representation, (object) => fromStorage(resource, object));
    case 'partial':
      return mappedPresenter(resource, representation, (object) => partialMetadata(object, representation.metaVersion));
    case 'table':
      return tablePresenter(registry, resource, representation, includeOf(call.query));
  }
}

const NO_BYTES = new Uint8Array(0);

function plainPresenter(resource: Resource, representation: Representation): Presenter {
  const same = (body: Uint8Array): Uint8Array => body;
  return {
    representation,
    key: '',
    object: same,
    item: same,
    list: (metadata) => listFrame(resource, metadata),
    bookmark: (metadata) => bare(resource.apiVersion, resource.kind, metadata),
  };
}

function mappedPresenter(
  resource: Resource,
  representation: Representation,
  map: (object: KubernetesObject) => unknown,
): Presenter {
  const object = (body: Uint8Array): Uint8Array => Buffer.from(stringifyJson(map(parseStored(body))));
  const key = `${representation.as}/${representation.metaVersion}/${resource.apiVersion}`;
  const partial = representation.as === 'partial';
  return {
    representation,
    key,
    object,
    item: object,
    list: (metadata) =>
      partial
        ? frame(`meta.k8s.io/${representation.metaVersion}`, 'PartialObjectMetadataList', metadata)
        : listFrame(resource, metadata),
    bookmark: (metadata) =>
      partial
        ? bare(`meta.k8s.io/${representation.metaVersion}`, 'PartialObjectMetadata', metadata)
        : bare(resource.apiVersion, resource.kind, metadata),
  };
}

function listFrame(resource: Resource, metadata: ListMetadata): { head: Uint8Array; tail: Uint8Array } {
  return frame(resource.apiVersion, resource.definition.listKind ?? `${resource.kind}List`, metadata);
}

function frame(apiVersion: string, kind: string, metadata: ListMetadata): { head: Uint8Array; tail: Uint8Array } {
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`;
  return { head: Buffer.from(head), tail: Buffer.from(']}') };
}

function bare(apiVersion: string, kind: string, metadata: BookmarkMetadata): Uint8Array {
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: { ...metadata, creationTimestamp: null } }));
}

function includeOf(query: URLSearchParams): IncludeObject {
  const given = query.get('includeObject') ?? '';
  if (given === '') return 'Metadata';
  if (given === 'None' || given === 'Metadata' || given === 'Object') return given;
  throw badRequest(
    `includeObject: Invalid value: ${JSON.stringify(given)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

function tablePresenter(
  registry: Registry,
  resource: Resource,
  representation: Representation,
  include: IncludeObject,
): Presenter {
  const { metaVersion } = representation;
  const row = (object: KubernetesObject): string =>
    stringifyJson(
      tableRow(resource, object, {
        nowMs: registry.clock.now(),
        include,
        metaVersion,
        served: fromStorage(resource, object),
      }),
    );
  const head = (metadata: unknown): string =>
    `{"kind":"Table","apiVersion":"meta.k8s.io/${metaVersion}","metadata":${JSON.stringify(metadata)},"columnDefinitions":${JSON.stringify(columnDefinitions(resource))},"rows":[`;
  return {
    representation,
    key: `table/${metaVersion}/${include}/${resource.apiVersion}`,
    object: (body) => {
      const object = parseStored(body);
      const resourceVersion = object.metadata?.resourceVersion;
      return Buffer.from(`${head(resourceVersion === undefined ? {} : { resourceVersion })}${row(object)}]}`);
    },
    item: (body) => Buffer.from(row(parseStored(body))),
    list: (metadata) => ({ head: Buffer.from(head(metadata)), tail: Buffer.from(']}') }),
    bookmark: (metadata) => Buffer.from(`${head(metadata)}]}`),
  };
}

/** The bytes of a whole list. */
export function listBody(presenter: Presenter, items: readonly Uint8Array[], metadata: ListMetadata): Uint8Array[] {
  const { head, tail } = presenter.list(metadata);
  const chunks: Uint8Array[] = [head];
  for (let index = 0; index < items.length; index++) {
    if (index > 0) chunks.push(COMMA);
    chunks.push(presenter.item(items[index] ?? NO_BYTES));
  }
  chunks.push(tail);
  return chunks;
}

const COMMA = Buffer.from(',');
