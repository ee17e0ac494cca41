import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { builtinSchemas } from '../builtin/builtin-schemas.js';
import { Reader } from '../protobuf/reader.js';
import { OpenApiDocuments, type OpenApiDocument } from './documents.js';
import type { ApiResourceDescription, ApiSubresourceDescription } from './resource-description.js';

type Json = Record<string, unknown>;

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const VIEW_VERBS = ['get', 'patch', 'update'];
const source = builtinSchemas();

function resource(
  definition: string,
  plural: string,
  more: Partial<ApiResourceDescription> = {},
): ApiResourceDescription {
  const kind = source.definition(definition)?.['x-kubernetes-group-version-kind']?.[0];
  if (kind === undefined) throw new Error(`${definition} is no kind`);
  const singular = kind.kind.toLowerCase();
  return { ...kind, plural, singular, namespaced: true, verbs: ALL_VERBS, definition, subresources: [], ...more };
}

function status(group: string, version: string, kind: string, definition: string): ApiSubresourceDescription {
  return { name: 'status', kind: { group, version, kind }, verbs: VIEW_VERBS, definition };
}

const POD = { group: '', version: 'v1', kind: 'Pod' };
const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

const resources: ApiResourceDescription[] = [
  resource('io.k8s.api.core.v1.Pod', 'pods', {
    subresources: [
      status('', 'v1', 'Pod', 'io.k8s.api.core.v1.Pod'),
      {
        name: 'eviction',
        kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
        verbs: ['create'],
        definition: 'io.k8s.api.policy.v1.Eviction',
      },
      { name: 'log', kind: POD, verbs: ['get'] },
      { name: 'exec', kind: { ...POD, kind: 'PodExecOptions' }, verbs: ['create', 'get'] },
      {
        name: 'proxy',
        kind: { ...POD, kind: 'PodProxyOptions' },
        verbs: ['create', 'delete', 'get', 'patch', 'update'],
      },
    ],
  }),
  resource('io.k8s.api.core.v1.Namespace', 'namespaces', {
    namespaced: false,
    verbs: ALL_VERBS.filter((verb) => verb !== 'deletecollection'),
  }),
  resource('io.k8s.api.core.v1.Service', 'services'),
  resource('io.k8s.api.apps.v1.Deployment', 'deployments', {
    subresources: [
      status('apps', 'v1', 'Deployment', 'io.k8s.api.apps.v1.Deployment'),
      { name: 'scale', kind: SCALE, verbs: VIEW_VERBS, definition: 'io.k8s.api.autoscaling.v1.Scale' },
    ],
  }),
  resource('io.k8s.api.authorization.v1.SubjectAccessReview', 'subjectaccessreviews', {
    namespaced: false,
    verbs: ['create'],
  }),
  resource(
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
    'customresourcedefinitions',
    {
      namespaced: false,
    },
  ),
];

const documents = new OpenApiDocuments(resources, source, { title: 'Kubernetes', version: 'v1.36.0' });

function parsed(document: OpenApiDocument | undefined): Json {
  return JSON.parse(Buffer.from(document?.bytes ?? []).toString()) as Json;
}

/** The value at a path of keys. */
function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((found, key) => (found as Json | undefined)?.[key], value);
}

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    key === '$ref' && typeof one === 'string' ? [one] : references(one),
  );
}

function names(parameters: unknown): unknown[] {
  return (parameters as { name: string }[]).map(({ name }) => name);
}

describe('the index', () => {
  it('has the hash of every document', () => {
    const paths = at(parsed(documents.index()), 'paths') as Record<string, { serverRelativeURL: string }>;
    expect(Object.keys(paths)).toEqual([
      'api',
      'api/v1',
      'apis',
      'apis/apiextensions.k8s.io',
      'apis/apiextensions.k8s.io/v1',
      'apis/apps',
      'apis/apps/v1',
      'apis/authorization.k8s.io',
      'apis/authorization.k8s.io/v1',
      'version',
    ]);
    for (const [path, { serverRelativeURL }] of Object.entries(paths)) {
      const document = documents.v3(path);
      const hash = createHash('sha512')
        .update(document?.bytes ?? '')
        .digest('hex')
        .toUpperCase();
      expect(document?.etag).toBe(hash);
      expect(serverRelativeURL).toBe(`/openapi/v3/${path}?hash=${hash}`);
    }
    expect(documents.v3('apis/batch/v1')).toBeUndefined();
    expect(documents.v3('apis/apps/v1')).toBe(documents.v3('apis/apps/v1'));
  });
});

describe('version 3', () => {
  const apps = parsed(documents.v3('apis/apps/v1'));
  const core = parsed(documents.v3('api/v1'));
  const deployments = '/apis/apps/v1/namespaces/{namespace}/deployments';

  it('has no dangling reference, and nothing beside a reference', () => {
    for (const path of Object.keys(at(parsed(documents.index()), 'paths') as Json)) {
      const document = parsed(documents.v3(path));
      const schemas = at(document, 'components', 'schemas') as Json;
      for (const reference of references(document)) {
        expect(schemas, path).toHaveProperty([reference.replace('#/components/schemas/', '')]);
      }
      expect(JSON.stringify(document)).not.toMatch(/"\$ref":"[^"]*",/);
    }
  });

  it('has all operations of a resource, with what kubectl looks for', () => {
    expect(Object.keys(at(apps, 'paths') as Json)).toEqual([
      '/apis/apps/v1/',
      '/apis/apps/v1/deployments',
      deployments,
      `${deployments}/{name}`,
      `${deployments}/{name}/scale`,
      `${deployments}/{name}/status`,
    ]);
    const kind = { group: 'apps', version: 'v1', kind: 'Deployment' };
    const operations = [
      [deployments, 'get', 'list', 'listAppsV1NamespacedDeployment'],
      [deployments, 'post', 'post', 'createAppsV1NamespacedDeployment'],
      [deployments, 'delete', 'deletecollection', 'deleteAppsV1CollectionNamespacedDeployment'],
      ['/apis/apps/v1/deployments', 'get', 'list', 'listAppsV1DeploymentForAllNamespaces'],
      [`${deployments}/{name}`, 'get', 'get', 'readAppsV1NamespacedDeployment'],
      [`${deployments}/{name}`, 'put', 'put', 'replaceAppsV1NamespacedDeployment'],
      [`${deployments}/{name}`, 'patch', 'patch', 'patchAppsV1NamespacedDeployment'],
      [`${deployments}/{name}`, 'delete', 'delete', 'deleteAppsV1NamespacedDeployment'],
      [`${deployments}/{name}/status`, 'put', 'put', 'replaceAppsV1NamespacedDeploymentStatus'],
    ] as const;
    for (const [path, method, action, operationId] of operations) {
      const operation = at(apps, 'paths', path, method);
      expect(operation).toMatchObject({
        operationId,
        'x-kubernetes-action': action,
        'x-kubernetes-group-version-kind': kind,
        tags: ['apps_v1'],
      });
      if (['post', 'put', 'patch'].includes(method)) {
        expect(names(at(operation, 'parameters'))).toEqual(
          expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation']),
        );
      }
    }
    expect(at(apps, 'paths', `${deployments}/{name}`, 'patch', 'requestBody', 'content')).toHaveProperty([
      'application/strategic-merge-patch+json',
    ]);
    expect(at(apps, 'paths', `${deployments}/{name}/scale`, 'patch', 'x-kubernetes-group-version-kind')).toEqual(SCALE);
    expect(names(at(apps, 'paths', `${deployments}/{name}`, 'parameters'))).toEqual(['name', 'namespace', 'pretty']);
    expect(names(at(apps, 'paths', deployments, 'get', 'parameters'))).toEqual(
      expect.arrayContaining(['labelSelector', 'fieldSelector', 'limit', 'continue', 'watch', 'sendInitialEvents']),
    );
  });

  it('leaves out verbs that a resource does not have', () => {
    expect(at(core, 'paths', '/api/v1/namespaces', 'delete')).toBeUndefined();
    const reviews = parsed(documents.v3('apis/authorization.k8s.io/v1'));
    expect(Object.keys(at(reviews, 'paths') as Json)).toEqual([
      '/apis/authorization.k8s.io/v1/',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    ]);
    expect(Object.keys(at(reviews, 'paths', '/apis/authorization.k8s.io/v1/subjectaccessreviews') as Json)).toEqual([
      'post',
      'parameters',
    ]);
  });

  it('has connections and bodies of other kinds', () => {
    const pod = '/api/v1/namespaces/{namespace}/pods/{name}';
    expect(at(core, 'paths', `${pod}/exec`, 'post')).toMatchObject({
      operationId: 'connectCoreV1PostNamespacedPodExec',
      'x-kubernetes-action': 'connect',
      'x-kubernetes-group-version-kind': { group: '', version: 'v1', kind: 'PodExecOptions' },
    });
    expect(Object.keys(at(core, 'paths', `${pod}/proxy/{path}`) as Json).toSorted()).toEqual([
      'delete',
      'get',
      'parameters',
      'patch',
      'post',
      'put',
    ]);
    expect(names(at(core, 'paths', `${pod}/log`, 'get', 'parameters'))).toContain('tailLines');
    expect(
      at(core, 'paths', `${pod}/eviction`, 'post', 'requestBody', 'content', 'application/json', 'schema'),
    ).toEqual({
      $ref: '#/components/schemas/io.k8s.api.policy.v1.Eviction',
    });
  });

  it('has definitions with descriptions, defaults and extensions', () => {
    const schemas = at(apps, 'components', 'schemas');
    expect(at(schemas, 'io.k8s.api.apps.v1.Deployment')).toMatchObject({
      description: expect.stringContaining('declarative updates') as string,
      type: 'object',
      properties: {
        spec: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec' }], default: {} },
      },
      'x-kubernetes-group-version-kind': [{ group: 'apps', kind: 'Deployment', version: 'v1' }],
    });
    expect(at(schemas, 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers')).toMatchObject({
      description: expect.stringContaining('List of containers') as string,
      items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }], default: {} },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    });
    expect(at(schemas, 'io.k8s.apimachinery.pkg.util.intstr.IntOrString')).toMatchObject({
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    });
  });
});

describe('version 2', () => {
  const v2 = parsed(documents.v2());

  it('is complete and has no dangling reference', () => {
    const definitions = at(v2, 'definitions') as Json;
    const found = references(v2);
    expect(found.length).toBeGreaterThan(400);
    for (const reference of found) expect(definitions).toHaveProperty([reference.replace('#/definitions/', '')]);
    expect(at(v2, 'paths', '/api/v1/namespaces/{namespace}/pods', 'post')).toMatchObject({
      operationId: 'createCoreV1NamespacedPod',
      parameters: expect.arrayContaining([
        { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/io.k8s.api.core.v1.Pod' } },
      ]) as unknown,
      'x-kubernetes-action': 'post',
    });
    expect(JSON.stringify(definitions)).not.toContain('"default":{}');
  });

  it('says the same as protobuf', () => {
    const bytes = documents.v2Protobuf().bytes;
    const document = fields(bytes);
    expect(texts(document, 1)).toEqual(['2.0']);
    expect(texts(fields(only(document, 2)), 2)).toEqual(['v1.36.0']);
    const paths = pairsOf(fields(only(document, 8)), 2);
    expect([...paths.keys()]).toEqual(Object.keys(at(v2, 'paths') as Json));
    const definitions = pairsOf(fields(only(document, 9)), 1);
    expect([...definitions.keys()]).toEqual(Object.keys(at(v2, 'definitions') as Json));

    const deployment = fields(definitions.get('io.k8s.api.apps.v1.Deployment'));
    const extension = fields(pairsOf(deployment, 31).get('x-kubernetes-group-version-kind'));
    expect(JSON.parse(texts(extension, 2)[0] ?? '')).toEqual([{ group: 'apps', kind: 'Deployment', version: 'v1' }]);
    const properties = pairsOf(fields(only(deployment, 25)), 1);
    expect(texts(fields(properties.get('spec')), 1)).toEqual(['#/definitions/io.k8s.api.apps.v1.DeploymentSpec']);
    expect(texts(fields(only(fields(properties.get('kind')), 22)), 1)).toEqual(['string']);

    const patch = fields(only(fields(paths.get('/api/v1/namespaces/{namespace}/pods/{name}')), 8));
    expect(texts(patch, 5)).toEqual(['patchCoreV1NamespacedPod']);
    const parameters = (patch.get(8) ?? []).map((item) => fields(only(fields(item), 1)));
    const body = fields(only(parameters[0] ?? new Map(), 1));
    expect([texts(body, 2), texts(body, 3)]).toEqual([['body'], ['body']]);
    const query = fields(only(fields(only(parameters[1] ?? new Map(), 2)), 3));
    expect([texts(query, 4), texts(query, 2), texts(query, 6)]).toEqual([['dryRun'], ['query'], ['string']]);
  });
});

type Fields = Map<number, Buffer[]>;

/** A small decoder: the fields of a message that hold bytes, by number. */
function fields(bytes: Uint8Array | undefined): Fields {
  const found: Fields = new Map();
  const reader = new Reader(bytes ?? new Uint8Array());
  while (!reader.done) {
    const tag = reader.tag();
    if ((tag & 7) !== 2) reader.skip(tag & 7);
    else found.set(tag >>> 3, [...(found.get(tag >>> 3) ?? []), reader.raw()]);
  }
  return found;
}

function only(message: Fields, number: number): Buffer {
  const [value, ...more] = message.get(number) ?? [];
  if (value === undefined || more.length > 0) throw new Error(`field ${number} is there ${more.length + 1} times`);
  return value;
}

function texts(message: Fields, number: number): string[] {
  return (message.get(number) ?? []).map((value) => value.toString());
}

function pairsOf(message: Fields, number: number): Map<string, Buffer> {
  return new Map(
    (message.get(number) ?? []).map((value) => {
      const pair = fields(value);
      return [only(pair, 1).toString(), only(pair, 2)];
    }),
  );
}
