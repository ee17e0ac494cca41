import { createHash } from 'node:crypto';
import { encodeOpenApiV2 } from './gnostic.js';
import { groupName, groupTag, groupVersionName, versionTag } from './names.js';
import { addDocument, addResource, type Paths } from './operations.js';
import type { DescribedSchemaSource } from './published-schemas.js';
import type { ApiResourceDescription } from './resource-description.js';
import { buildV2 } from './v2.js';
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

  constructor(resources: Iterable<ApiResourceDescription>, source: DescribedSchemaSource, info: ServerInfo) {
    this.parts = collectParts(resources);
    this.source = source;
    this.info = info;
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

  private buildV2(): Record<string, unknown> {
    const all: Paths = new Map([...this.parts.values()].flatMap((paths) => [...paths]));
    return buildV2(all, this.source, this.info);
  }

  private once(key: string, build: () => OpenApiDocument): OpenApiDocument {
    let found = this.built.get(key);
    if (found === undefined) this.built.set(key, (found = build()));
    return found;
  }
}

function json(value: unknown): OpenApiDocument {
  return document(Buffer.from(JSON.stringify(value)), OPENAPI_JSON_TYPE);
}

function document(bytes: Uint8Array, contentType: string): OpenApiDocument {
  return { bytes, etag: createHash('sha512').update(bytes).digest('hex').toUpperCase(), contentType };
}

/** The paths of each document: discovery of all, of groups, of versions, and the resources of versions. */
function collectParts(resources: Iterable<ApiResourceDescription>): Map<string, Paths> {
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
  for (const resource of resources) {
    const { group, version } = resource;
    const root = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    if (group !== '') {
      addDocument(part(`apis/${group}`), `/apis/${group}/`, {
        id: `get${groupName(group)}APIGroup`,
        tag: groupTag(group),
        description: 'get information of a group',
        answer: `${META}APIGroup`,
      });
    }
    addDocument(part(root), `/${root}/`, {
      id: `get${groupVersionName(group, version)}APIResources`,
      tag: versionTag(group, version),
      description: 'get available resources',
      answer: `${META}APIResourceList`,
    });
    addResource(part(root), resource);
  }
  return parts;
}
