import { createHash } from 'node:crypto';
import { encodeOpenApiV2 } from './gnostic.js';
import { mergeSwagger, type Swagger } from './merge-v2.js';
import { groupName, groupTag, groupVersionName, versionTag } from './names.js';
import { addDocument, addResource, type Paths } from './operations.js';
import type { DescribedSchemaSource } from './published-schemas.js';
import type { ApiResourceDescription } from './resource-description.js';
import { buildV2Part, joinV2, type V2Part } from './v2.js';
import { buildV3, type ServerInfo } from './v3.js';

/** What clients ask for, and what the answer is called: an @ is not allowed in a media type, and Go's parser says so. */
export const OPENAPI_V2_PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const OPENAPI_V2_PROTOBUF_ANSWER_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
export const OPENAPI_JSON_TYPE = 'application/json';

/** A document as it is answered. */
export interface OpenApiDocument {
  bytes: Uint8Array;
  /** SHA-512 of the bytes in upper-case hexadecimal digits; goes into ETag, in quotes, and into `?hash=`. */
  etag: string;
  contentType: string;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const VERSION_INFO = 'io.k8s.apimachinery.pkg.version.Info';

/** All OpenAPI documents of a set of resources. Each is built when first asked for, and kept. */
export class OpenApiDocuments {
  /** By the path below /openapi/v3/: `api/v1`, `apis/apps/v1`. */
  private readonly parts: Map<string, Paths>;
  private readonly source: DescribedSchemaSource;
  private readonly info: ServerInfo;
  private readonly built = new Map<string, OpenApiDocument>();
  private readonly identities: ReadonlyMap<string, readonly object[]>;
  private readonly v2Parts = new Map<string, V2Part>();
  private lastMerged: { key: string; documents: { json: OpenApiDocument; protobuf: OpenApiDocument } } | undefined;

  /** `earlier`: what was made for an earlier set of resources, of which the parts that are the same are kept. */
  constructor(
    resources: Iterable<ApiResourceDescription>,
    source: DescribedSchemaSource,
    info: ServerInfo,
    earlier?: OpenApiDocuments,
  ) {
    const grouped = groupByPart(resources);
    this.identities = new Map(
      [...grouped].map(([part, group]) => [part, group.map((one) => one.identity ?? one)] as const),
    );
    this.parts = collectParts(grouped, (part) => (this.isSame(part, earlier) ? earlier?.parts.get(part) : undefined));
    this.source = source;
    this.info = info;
    if (earlier !== undefined) this.keep(earlier);
  }

  private isSame(part: string, earlier: OpenApiDocuments | undefined): boolean {
    const [now, before] = [this.identities.get(part), earlier?.identities.get(part)];
    return now?.length === before?.length && now?.every((one, index) => one === before?.[index]) === true;
  }

  private keep(earlier: OpenApiDocuments): void {
    for (const part of this.parts.keys()) {
      if (this.identities.has(part) && !this.isSame(part, earlier)) continue;
      const document = earlier.built.get(`v3/${part}`);
      if (document !== undefined) this.built.set(`v3/${part}`, document);
      const v2 = earlier.v2Parts.get(part);
      if (v2 !== undefined) this.v2Parts.set(part, v2);
    }
  }

  /** `/openapi/v3`: where each group version's document is. */
  index(): OpenApiDocument {
    return this.once('index', () => {
      const paths = [...this.parts.keys()].sort().map((path) => {
        const etag = this.v3(path)?.etag ?? '';
        return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${etag}` }];
      });
      return json({ paths: Object.fromEntries(paths) });
    });
  }

  /** `/openapi/v3/apis/apps/v1`, of which `path` is `apis/apps/v1`. Undefined when there is none. */
  v3(path: string): OpenApiDocument | undefined {
    const paths = this.parts.get(path);
    return paths && this.once(`v3/${path}`, () => json(buildV3(paths, this.source, this.info)));
  }

  /** `/openapi/v2` as JSON. */
  v2(): OpenApiDocument {
    return this.once('v2', () => json(this.buildV2()));
  }

  /** `/openapi/v2` as protobuf, which is what kubectl asks for. */
  v2Protobuf(): OpenApiDocument {
    return this.once('v2 protobuf', () => document(encodeOpenApiV2(this.buildV2()), OPENAPI_V2_PROTOBUF_ANSWER_TYPE));
  }

  /** `/openapi/v2` with the parts of others merged into it, of which `key` names the content; the last one is kept. */
  merged(key: string, parts: readonly Swagger[]): { json: OpenApiDocument; protobuf: OpenApiDocument } {
    if (this.lastMerged?.key === key) return this.lastMerged.documents;
    const whole = parts
      .filter(isEncodable)
      .reduce<Record<string, unknown> & Swagger>(mergeSwagger, this.buildV2() as Record<string, unknown> & Swagger);
    const documents = {
      json: json(whole),
      protobuf: document(encodeOpenApiV2(whole), OPENAPI_V2_PROTOBUF_ANSWER_TYPE),
    };
    this.lastMerged = { key, documents };
    return documents;
  }

  private buildV2(): Record<string, unknown> {
    const parts = [...this.parts].map(([name, paths]) => {
      let part = this.v2Parts.get(name);
      if (part === undefined) this.v2Parts.set(name, (part = buildV2Part(paths, this.source)));
      return part;
    });
    return joinV2(parts, this.info);
  }

  private once(key: string, build: () => OpenApiDocument): OpenApiDocument {
    let found = this.built.get(key);
    if (found === undefined) this.built.set(key, (found = build()));
    return found;
  }
}

/** A part with what our encoder does not know would take the whole document away from those who ask for protobuf. */
function isEncodable(part: Swagger): boolean {
  try {
    encodeOpenApiV2({ swagger: '2.0', info: { title: '', version: '' }, ...part });
    return true;
  } catch {
    return false;
  }
}

function json(value: unknown): OpenApiDocument {
  return document(Buffer.from(JSON.stringify(value)), OPENAPI_JSON_TYPE);
}

function document(bytes: Uint8Array, contentType: string): OpenApiDocument {
  return { bytes, etag: createHash('sha512').update(bytes).digest('hex').toUpperCase(), contentType };
}

/** The paths of each document: discovery of all, of groups, of versions, and the resources of versions. */
function collectParts(
  grouped: ReadonlyMap<string, readonly ApiResourceDescription[]>,
  known: (part: string) => Paths | undefined,
): Map<string, Paths> {
  const parts = new Map<string, Paths>();
  const part = (key: string): Paths => {
    let paths = parts.get(key);
    if (paths === undefined) parts.set(key, (paths = new Map()));
    return paths;
  };
  addDocument(part('api'), '/api/', {
    id: 'getCoreAPIVersions',
    tag: 'core',
    description: 'get available API versions',
    answer: `${META}APIVersions`,
  });
  addDocument(part('apis'), '/apis/', {
    id: 'getAPIVersions',
    tag: 'apis',
    description: 'get available API versions',
    answer: `${META}APIGroupList`,
  });
  addDocument(part('version'), '/version/', {
    id: 'getCodeVersion',
    tag: 'version',
    description: 'get the version information for this server',
    answer: VERSION_INFO,
  });
  for (const [root, resources] of grouped) {
    const [first] = resources;
    if (first === undefined) continue;
    const { group, version } = first;
    if (group !== '' && !parts.has(`apis/${group}`)) {
      addDocument(part(`apis/${group}`), `/apis/${group}/`, {
        id: `get${groupName(group)}APIGroup`,
        tag: groupTag(group),
        description: 'get information of a group',
        answer: `${META}APIGroup`,
      });
    }
    const kept = known(root);
    if (kept !== undefined) {
      parts.set(root, kept);
      continue;
    }
    addDocument(part(root), `/${root}/`, {
      id: `get${groupVersionName(group, version)}APIResources`,
      tag: versionTag(group, version),
      description: 'get available resources',
      answer: `${META}APIResourceList`,
    });
    for (const resource of resources) addResource(part(root), resource);
  }
  return parts;
}

function groupByPart(resources: Iterable<ApiResourceDescription>): Map<string, ApiResourceDescription[]> {
  const grouped = new Map<string, ApiResourceDescription[]>();
  for (const resource of resources) {
    const { group, version } = resource;
    const root = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    const known = grouped.get(root);
    if (known === undefined) grouped.set(root, [resource]);
    else known.push(resource);
  }
  return grouped;
}
