import { createHash } from 'node:crypto';
import type { Aggregation } from '../aggregation/aggregation.js';
import type { SwaggerPart } from '../aggregation/remote-swagger.js';
import {
  OpenApiDocuments,
  OPENAPI_V2_PROTOBUF_TYPE,
  type OpenApiDocument,
} from '../../../lib/schema/openapi/documents.js';
import type { DescribedSchemaSource } from '../../../lib/schema/openapi/published-schemas.js';
import type { ApiResourceDescription } from '../../../lib/schema/openapi/resource-description.js';
import type { Catalog, Resource } from '../registry/catalog.js';
import { notAcceptable } from '../../../lib/api/errors.js';
import { parseAccept } from '../registry/negotiate.js';
import type { ApiRequest, ApiResponse } from '../registry/request.js';
import { JSON_TYPE, textResponse } from '../registry/respond.js';
import { SCALE_KIND } from '../registry/scale.js';
import { discoverGroups, type DiscoveredResource, type DiscoveredSubresource } from './groups.js';
import type { DocumentHandler } from './paths.js';
import { KUBERNETES_VERSION } from './version.js';

/** A document asked for by its hash never changes under that address. */
const BY_HASH_CACHE_CONTROL = 'public, max-age=31536000, immutable';

/** `/openapi/v2`, `/openapi/v3` and the documents of single group versions below it. */
export function openApiHandler(
  catalog: Catalog,
  source: DescribedSchemaSource,
  { refresh, aggregation }: { refresh: () => Promise<void>; aggregation: Aggregation | undefined },
): DocumentHandler {
  let documents: OpenApiDocuments | undefined;
  let generation = 0;
  const made = (): OpenApiDocuments => {
    const { major, minor, patch } = KUBERNETES_VERSION;
    const info = { title: 'Kubernetes', version: `v${major}.${minor}.${patch}` };
    if (documents === undefined || generation !== catalog.generation) {
      generation = catalog.generation;
      documents = new OpenApiDocuments(describeResources(catalog), source, info, documents);
    }
    return documents;
  };
  return async (request, query) => {
    await refresh();
    const path = request.path.replace(/\/$/, '');
    if (path === '/openapi/v2')
      return answer(request, query, v2(request, made(), (await aggregation?.openApiV2()) ?? []));
    if (path === '/openapi/v3') return answer(request, query, await withRemote(made().index(), aggregation));
    if (!path.startsWith('/openapi/v3/')) return undefined;
    const document = made().v3(path.slice('/openapi/v3/'.length));
    if (document !== undefined) return answer(request, query, document);
    const [, , , , group, version] = path.split('/');
    if (!path.startsWith('/openapi/v3/apis/') || group === undefined || version === undefined) return undefined;
    return aggregation?.document(request, group, version);
  };
}

/** The index with the documents of API servers behind this one. */
async function withRemote(index: OpenApiDocument, aggregation: Aggregation | undefined): Promise<OpenApiDocument> {
  const remote = (await aggregation?.openApiPaths()) ?? {};
  if (Object.keys(remote).length === 0) return index;
  const { paths } = JSON.parse(Buffer.from(index.bytes).toString('utf8')) as { paths: object };
  const bytes = Buffer.from(JSON.stringify({ paths: { ...paths, ...remote } }));
  return { ...index, bytes, etag: createHash('sha512').update(bytes).digest('hex').toUpperCase() };
}

/** With what API servers behind this one publish of theirs. */
function v2(request: ApiRequest, documents: OpenApiDocuments, parts: readonly SwaggerPart[]): OpenApiDocument {
  const merged = (): ReturnType<OpenApiDocuments['merged']> =>
    documents.merged(
      parts.map(({ etag }) => etag).join(),
      parts.map(({ swagger }) => swagger),
    );
  const asJson = (): OpenApiDocument => (parts.length === 0 ? documents.v2() : merged().json);
  const accept = request.header('accept') ?? '';
  if (accept === '') return asJson();
  for (const { type } of parseAccept(accept)) {
    if (type === OPENAPI_V2_PROTOBUF_TYPE) return parts.length === 0 ? documents.v2Protobuf() : merged().protobuf;
    if (type === JSON_TYPE || type === 'application/*' || type === '*/*') return asJson();
  }
  throw notAcceptable([JSON_TYPE, OPENAPI_V2_PROTOBUF_TYPE]);
}

function answer(request: ApiRequest, query: URLSearchParams, document: OpenApiDocument): ApiResponse {
  const etag = `"${document.etag}"`;
  const hash = query.get('hash');
  if (hash !== null && hash !== document.etag) {
    // An address from an older index: where the document is now.
    return textResponse(301, '', { location: `${request.path}?hash=${document.etag}` });
  }
  const headers = {
    'content-type': document.contentType,
    'cache-control': hash === null ? 'no-cache, private' : BY_HASH_CACHE_CONTROL,
    etag,
    vary: 'Accept',
  };
  if (request.header('if-none-match') === etag) return { status: 304, headers, body: undefined };
  return { status: 200, headers, body: document.bytes };
}

function* describeResources(catalog: Catalog): Generator<ApiResourceDescription> {
  for (const { versions } of discoverGroups(catalog)) {
    for (const { resources } of versions) for (const one of resources) yield describe(one);
  }
}

function describe({ resource, verbs, subresources }: DiscoveredResource): ApiResourceDescription {
  const { singular, namespaced } = resource.definition;
  return {
    group: resource.group,
    version: resource.version,
    kind: resource.kind,
    plural: resource.plural,
    singular,
    namespaced,
    verbs,
    definition: resource.schema,
    identity: resource.definition,
    isCustom: resource.definition.custom !== undefined,
    ...(resource.definition.listKind === undefined
      ? {}
      : { listDefinition: resource.schema.slice(0, -resource.kind.length) + resource.definition.listKind }),
    subresources: subresources.map((one) => {
      const definition = definitionOf(resource, one);
      return { name: one.name, kind: one.kind, verbs: one.verbs, ...(definition === undefined ? {} : { definition }) };
    }),
  };
}

/** Subresources that are no object: a stream, or a connection. */
const STREAMS = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

function definitionOf(resource: Resource, { name }: DiscoveredSubresource): string | undefined {
  if (STREAMS.has(name)) return undefined;
  if (name === 'scale') return SCALE_KIND.schema;
  const declared = resource.definition.subresources?.find((one) => one.name === name);
  return declared?.bodyKind?.definition ?? resource.schema;
}
