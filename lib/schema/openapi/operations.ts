import type { GroupVersionKind } from '../../api/meta.js';
import { capitalised, groupVersionName, versionTag } from './names.js';
import {
  DELETE_COLLECTION_PARAMETERS,
  DELETE_PARAMETERS,
  LIST_PARAMETERS,
  NAMESPACE,
  nameParameter,
  PATCH_PARAMETERS,
  PRETTY,
  PROXY_PATH,
  STREAM_PARAMETERS,
  WRITE_PARAMETERS,
  type Parameter,
} from './parameters.js';
import type { ApiResourceDescription, ApiSubresourceDescription } from './resource-description.js';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';

/** An operation, before it is written in either version of OpenAPI. */
export interface Operation {
  id: string;
  tag: string;
  description: string;
  parameters: readonly Parameter[];
  body?: { definition: string; required: boolean; mediaTypes: readonly string[] };
  /** Status codes of success; all have the same content. */
  codes: readonly number[];
  /** Definition of what is answered; absent: text. */
  answer?: string;
  mediaTypes: readonly string[];
  action?: string;
  kind?: GroupVersionKind;
}

export interface Path {
  parameters: readonly Parameter[];
  operations: Partial<Record<Method, Operation>>;
}

export type Paths = Map<string, Path>;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
export const STATUS = `${META}Status`;
const DELETE_OPTIONS = `${META}DeleteOptions`;
const PATCH = `${META}Patch`;

export const JSON_TYPE = 'application/json';
const OBJECT_TYPES = [JSON_TYPE, 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';
/** kubectl looks here which kind of patch it may send. */
const PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'];
const WATCH_TYPES = [JSON_TYPE, 'application/json;stream=watch'];
const CONNECT_METHODS: Readonly<Record<string, Method>> = {
  get: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
};

/** Adds all paths of a resource. */
export function addResource(paths: Paths, resource: ApiResourceDescription): void {
  new ResourcePaths(paths, resource).add();
}

class ResourcePaths {
  private readonly paths: Paths;
  private readonly resource: ApiResourceDescription;
  private readonly verbs: ReadonlySet<string>;
  private readonly kind: GroupVersionKind;
  /** `NamespacedPod` */
  private readonly scopedKind: string;
  private readonly groupVersion: string;
  private readonly tag: string;
  private readonly root: string;
  private readonly objectTypes: readonly string[];
  private readonly patchTypes: readonly string[];

  constructor(paths: Paths, resource: ApiResourceDescription) {
    const { group, version, kind } = resource;
    this.paths = paths;
    this.resource = resource;
    this.verbs = new Set(resource.verbs);
    this.kind = { group, version, kind };
    this.scopedKind = (resource.namespaced ? 'Namespaced' : '') + kind;
    this.groupVersion = groupVersionName(group, version);
    this.tag = versionTag(group, version);
    const isCustom = resource.isCustom === true;
    this.objectTypes = isCustom ? OBJECT_TYPES.filter((type) => !type.endsWith('protobuf')) : OBJECT_TYPES;
    this.patchTypes = isCustom ? PATCH_TYPES : [...PATCH_TYPES, STRATEGIC_MERGE];
    this.root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  }

  add(): void {
    const { namespaced, plural, kind } = this.resource;
    const scope = namespaced ? [NAMESPACE, PRETTY] : [PRETTY];
    const collection = `${this.root}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
    const item = `${collection}/{name}`;
    const itemParameters = [nameParameter(kind), ...scope];
    this.set(collection, scope, this.collectionOperations());
    if (namespaced && this.verbs.has('list')) {
      this.set(`${this.root}/${plural}`, [PRETTY], {
        get: this.list(`list${this.groupVersion}${kind}ForAllNamespaces`),
      });
    }
    this.set(item, itemParameters, this.itemOperations());
    for (const subresource of this.resource.subresources) {
      const path = `${item}/${subresource.name}`;
      if (subresource.definition !== undefined) {
        this.set(path, itemParameters, this.subresourceOperations(subresource, subresource.definition));
      } else if (subresource.name === 'log') this.set(path, itemParameters, { get: this.log(subresource) });
      else this.addConnections(path, itemParameters, subresource);
    }
  }

  private set(path: string, parameters: readonly Parameter[], operations: Path['operations']): void {
    if (Object.keys(operations).length > 0) this.paths.set(path, { parameters, operations });
  }

  private collectionOperations(): Path['operations'] {
    const { definition, kind } = this.resource;
    return {
      ...(this.verbs.has('list') ? { get: this.list(this.id('list')) } : {}),
      ...(this.verbs.has('create')
        ? {
            post: this.operation('post', this.id('create'), `create a${vowel(kind)} ${kind}`, definition, {
              codes: [200, 201, 202],
              parameters: WRITE_PARAMETERS,
              body: { definition, required: true, mediaTypes: this.objectTypes },
            }),
          }
        : {}),
      ...(this.verbs.has('deletecollection')
        ? {
            delete: this.operation(
              'deletecollection',
              `delete${this.groupVersion}Collection${this.scopedKind}`,
              `delete collection of ${kind}`,
              STATUS,
              {
                parameters: DELETE_COLLECTION_PARAMETERS,
                body: { definition: DELETE_OPTIONS, required: false, mediaTypes: this.objectTypes },
              },
            ),
          }
        : {}),
    };
  }

  private itemOperations(): Path['operations'] {
    const { definition, kind } = this.resource;
    const operations = this.objectOperations(this.verbs, definition, `the specified ${kind}`, '', this.kind);
    if (this.verbs.has('delete')) {
      operations.delete = this.operation('delete', this.id('delete'), `delete a${vowel(kind)} ${kind}`, STATUS, {
        codes: [200, 202],
        parameters: DELETE_PARAMETERS,
        body: { definition: DELETE_OPTIONS, required: false, mediaTypes: this.objectTypes },
      });
    }
    return operations;
  }

  private subresourceOperations(subresource: ApiSubresourceDescription, definition: string): Path['operations'] {
    const { name, kind } = subresource;
    const operations = this.objectOperations(
      new Set(subresource.verbs),
      definition,
      `${name} of the specified ${this.resource.kind}`,
      capitalised(name),
      kind,
    );
    if (subresource.verbs.includes('create')) {
      const id = this.id('create', capitalised(name));
      const description = `create ${name} of a${vowel(this.resource.kind)} ${this.resource.kind}`;
      operations.post = this.operation('post', id, description, definition, {
        codes: [200, 201, 202],
        parameters: WRITE_PARAMETERS,
        body: { definition, required: true, mediaTypes: this.objectTypes },
        kind,
      });
    }
    return operations;
  }

  /** get, update and patch of an object or one of its subresources. */
  private objectOperations(
    verbs: ReadonlySet<string>,
    definition: string,
    what: string,
    suffix: string,
    kind: GroupVersionKind,
  ): Path['operations'] {
    const operations: Path['operations'] = {};
    if (verbs.has('get')) {
      operations.get = this.operation('get', this.id('read', suffix), `read ${what}`, definition, { kind });
    }
    if (verbs.has('update')) {
      operations.put = this.operation('put', this.id('replace', suffix), `replace ${what}`, definition, {
        codes: [200, 201],
        parameters: WRITE_PARAMETERS,
        body: { definition, required: true, mediaTypes: this.objectTypes },
        kind,
      });
    }
    if (verbs.has('patch')) {
      operations.patch = this.operation('patch', this.id('patch', suffix), `partially update ${what}`, definition, {
        codes: [200, 201],
        parameters: PATCH_PARAMETERS,
        body: { definition: PATCH, required: true, mediaTypes: this.patchTypes },
        kind,
      });
    }
    return operations;
  }

  private list(id: string): Operation {
    const { definition, kind, listDefinition } = this.resource;
    return this.operation('list', id, `list or watch objects of kind ${kind}`, listDefinition ?? `${definition}List`, {
      parameters: LIST_PARAMETERS,
      mediaTypes: this.verbs.has('watch') ? WATCH_TYPES : [JSON_TYPE],
    });
  }

  private log({ kind }: ApiSubresourceDescription): Operation {
    return this.operation('get', this.id('read', 'Log'), `read log of the specified ${this.resource.kind}`, undefined, {
      parameters: STREAM_PARAMETERS['log'] ?? [],
      mediaTypes: ['text/plain'],
      kind,
    });
  }

  /** Streams: each verb is the same connection, and what is proxied has paths of its own. */
  private addConnections(path: string, scope: readonly Parameter[], subresource: ApiSubresourceDescription): void {
    const { name, verbs, kind } = subresource;
    const withPath =
      name === 'proxy'
        ? [
            { path, suffix: '' },
            { path: `${path}/{path}`, suffix: 'WithPath' },
          ]
        : [{ path, suffix: '' }];
    for (const one of withPath) {
      const operations: Path['operations'] = {};
      for (const verb of verbs) {
        const method = CONNECT_METHODS[verb];
        if (method === undefined) continue;
        const id = `connect${this.groupVersion}${capitalised(method)}${this.scopedKind}${capitalised(name)}${one.suffix}`;
        const description = `connect ${method.toUpperCase()} requests to ${name} of ${this.resource.kind}`;
        operations[method] = this.operation('connect', id, description, undefined, {
          parameters: STREAM_PARAMETERS[name] ?? [],
          mediaTypes: ['*/*'],
          kind,
        });
      }
      const inPath = one.suffix === '' ? [] : [PROXY_PATH];
      this.set(one.path, [...scope.filter((parameter) => parameter !== PRETTY), ...inPath], operations);
    }
  }

  private id(verb: string, suffix = ''): string {
    return `${verb}${this.groupVersion}${this.scopedKind}${suffix}`;
  }

  private operation(
    action: string,
    id: string,
    description: string,
    answer: string | undefined,
    more: Partial<Operation>,
  ): Operation {
    return {
      id,
      tag: this.tag,
      description,
      parameters: [],
      codes: [200],
      mediaTypes: [JSON_TYPE],
      action,
      kind: this.kind,
      ...(answer === undefined ? {} : { answer }),
      ...more,
    };
  }
}

function vowel(kind: string): string {
  return /^[AEIOU]/.test(kind) ? 'n' : '';
}

/** Adds the path of a discovery document or the version. */
export function addDocument(
  paths: Paths,
  path: string,
  about: { id: string; tag: string; description: string; answer: string },
): void {
  const operation: Operation = { ...about, parameters: [], codes: [200], mediaTypes: [JSON_TYPE] };
  paths.set(path, { parameters: [], operations: { get: operation } });
}
