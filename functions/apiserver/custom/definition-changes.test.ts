import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../lib/random.js';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { createApiServer } from '../app.js';
import { ADMIN, testServer, type TestServer, type TestWatch } from '../registry/test-server.js';
import { kinds } from '../resources/index.js';
import { definitionOf, DEFINITIONS, objectOf } from './test-definitions.js';

const CRONTABS = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const DEFINITION = `${DEFINITIONS}/crontabs.stable.example.com`;

type Json = Record<string, unknown>;
type Definition = { metadata: { finalizers?: string[] }; spec: { versions: Json[] } };

/** A second API server over the store of another, and nothing else in common with it. */
function besides({ store, clock }: TestServer): {
  request(method: string, path: string, body?: object): Promise<Json>;
} {
  const server = createApiServer({
    store,
    clock,
    random: seededRandom(2),
    kinds,
    schemas: builtinSchemas(),
    authenticator: { authenticate: async () => ADMIN },
    authorizer: { authorize: async () => ({ allowed: true, reason: '' }) },
  });
  return {
    async request(method, path, body) {
      const headers = { 'content-type': 'application/json' };
      const request = new Request(`http://api${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await (await server.fetch(request)).json()) as Json;
    },
  };
}

async function change(server: TestServer, edit: (definition: Definition) => void): Promise<void> {
  const definition = (await server.request('GET', DEFINITION)).json as Definition;
  edit(definition);
  const answer = await server.request('PUT', DEFINITION, definition);
  expect(answer.status, answer.text).toBe(200);
}

async function rest(watch: TestWatch): Promise<Json[]> {
  const events: Json[] = [];
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) events.push(event);
  return events;
}

const schemaOf = (properties: Json): Json => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
});

async function watched(): Promise<{ server: TestServer; watch: TestWatch }> {
  const server = testServer();
  const definition = definitionOf({ version: { schema: schemaOf({ image: { type: 'string' } }) } });
  expect((await server.request('POST', DEFINITIONS, definition)).status).toBe(201);
  await server.request('POST', CRONTABS, objectOf('a', { spec: { image: 'x', more: 'y' } }));
  const watch = await server.watch(`${CRONTABS}?watch=1&allowWatchBookmarks=true`);
  expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { spec: { image: 'x' } } });
  return { server, watch };
}

describe('a watch of a custom resource', () => {
  test('ends when the schema changes, and the next one shows objects by the new one', async () => {
    const { server, watch } = await watched();
    await server.request('POST', CRONTABS, objectOf('b', { spec: { image: 'x' } }));
    await change(server, ({ spec }) => {
      Object.assign(spec.versions[0] ?? {}, {
        schema: schemaOf({ image: { type: 'string' }, more: { type: 'string', default: 'd' } }),
      });
    });
    const events = await rest(watch);
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    const { resourceVersion } = (events[1] as { object: { metadata: Json } }).object.metadata;
    const next = await server.watch(`${CRONTABS}?watch=1&resourceVersion=${String(resourceVersion)}`);
    await server.request(
      'PATCH',
      `${CRONTABS}/a`,
      { metadata: { labels: { l: '1' } } },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(await next.next()).toMatchObject({ type: 'MODIFIED', object: { spec: { image: 'x', more: 'd' } } });
    next.stop();
  });

  test('ends when its version is not served any more', async () => {
    const { server, watch } = await watched();
    await change(server, ({ spec }) => {
      spec.versions.push({ ...spec.versions[0], name: 'v2' });
      Object.assign(spec.versions[0] ?? {}, { served: false, storage: false });
    });
    expect((await rest(watch)).map(({ type }) => type)).toEqual(['BOOKMARK']);
    expect((await server.request('GET', CRONTABS)).status).toBe(404);
  });

  test('goes on while other parts of the definition change', async () => {
    const { server, watch } = await watched();
    await change(server, ({ metadata }) => Object.assign(metadata, { labels: { changed: 'yes' } }));
    await server.request('POST', CRONTABS, objectOf('b', { spec: { image: 'x' } }));
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
    watch.stop();
  });

  test('tells of the last objects and ends when the definition goes', async () => {
    const { server, watch } = await watched();
    await server.request('DELETE', DEFINITION);
    await server.request('DELETE', `${CRONTABS}/a`);
    expect(await watch.next()).toMatchObject({ type: 'DELETED', object: { spec: { image: 'x' } } });
    await change(server, ({ metadata }) => delete metadata.finalizers);
    expect((await server.request('GET', CRONTABS)).status).toBe(404);
    expect((await rest(watch)).map(({ type }) => type)).toEqual(['BOOKMARK']);
    // Made again with another scope, it is another resource.
    await server.request('POST', DEFINITIONS, definitionOf({ scope: 'Cluster' }));
    expect((await server.request('GET', CRONTABS)).status).toBe(404);
    expect((await server.request('GET', CRONTABS.replace('/namespaces/default', ''))).json.items).toEqual([]);
  });

  test('ends when another server changes the definition, though nothing is asked of its own', async () => {
    const { server, watch } = await watched();
    const other = besides(server);
    const definition = (await other.request('GET', DEFINITION)) as unknown as Definition;
    Object.assign(definition.spec.versions[0] ?? {}, { schema: schemaOf({ other: { type: 'string' } }) });
    expect(await other.request('PUT', DEFINITION, definition)).toMatchObject({ metadata: { generation: 2 } });
    expect((await rest(watch)).map(({ type }) => type)).toEqual(['BOOKMARK']);
  });
});

test('two servers over one store give a name to one definition only', async () => {
  const server = testServer();
  const other = besides(server);
  const isAccepted = ({ status }: Json): boolean =>
    (status as { conditions: Json[] }).conditions.some(
      ({ type, status: is }) => type === 'NamesAccepted' && is === 'True',
    );
  for (let round = 0; round < 20; round++) {
    const [one, two] = ['Left', 'Right'].map((kind) =>
      definitionOf({ kind: `${kind}${round}`, names: { shortNames: [`s${round}`] } }),
    ) as [Json, Json];
    const [first, second] = await Promise.all([
      server.request('POST', DEFINITIONS, one).then(({ json }) => json as Json),
      other.request('POST', DEFINITIONS, two),
    ]);
    expect([isAccepted(first), isAccepted(second)].filter(Boolean), JSON.stringify([first, second])).toEqual([true]);
    const refused = isAccepted(first) ? second : first;
    // Whatever is written into the status, the server decides.
    const names = (refused.spec as { names: Json }).names;
    const { status } = refused as { status: { conditions: Json[] } };
    const conditions = status.conditions.map((condition) => ({ ...condition, status: 'True' }));
    const told = await other.request('PUT', `${DEFINITIONS}/${(refused.metadata as { name: string }).name}/status`, {
      ...refused,
      status: { ...status, acceptedNames: names, conditions },
    });
    expect(told.kind).toBe('CustomResourceDefinition');
    expect(isAccepted(told)).toBe(false);
  }
  expect(
    (await server.store.list('zeroplane/definitionnames')).items.map(({ body }) => JSON.parse(String(body)).claims),
  ).toEqual([{}]);
});

test('what a definition selects by is found in objects that were read before it did', async () => {
  const { server, watch } = await watched();
  watch.stop();
  await server.request('GET', `${CRONTABS}?labelSelector=none`);
  await change(server, ({ spec }) =>
    Object.assign(spec.versions[0] ?? {}, { selectableFields: [{ jsonPath: '.spec.image' }] }),
  );
  const found = await server.request('GET', `${CRONTABS}?fieldSelector=spec.image%3Dx`);
  expect(found.json.items).toHaveLength(1);
});

test('formats that nobody checks are warned of when they come in', async () => {
  const server = testServer();
  const formats = {
    a: { type: 'string', format: 'date-time' },
    b: { type: 'string', format: 'datetime' },
    c: { type: 'string', format: 'no-such' },
    d: { type: 'integer', format: 'int16' },
    e: { type: 'number', format: 'double' },
    f: { type: 'array', items: { type: 'object', additionalProperties: { type: 'string', format: 'other' } } },
  };
  const created = await server.request('POST', DEFINITIONS, definitionOf({ version: { schema: schemaOf(formats) } }));
  expect(created.headers.get('warning')).toBe(
    ['no-such', 'int16', 'other'].map((format) => `299 - "unrecognized format \\"${format}\\""`).join(', '),
  );
  const changed = structuredClone(created.json);
  changed.spec.versions[0].schema = schemaOf({ ...formats, g: { type: 'string', format: 'new' } });
  const updated = await server.request('PUT', DEFINITION, changed);
  expect(updated.headers.get('warning')).toBe('299 - "unrecognized format \\"new\\""');
  const object = (b: string): Json => objectOf('a', { spec: { b } });
  expect((await server.request('POST', CRONTABS, object('2026-01-01T00:00:00Z'))).status).toBe(201);
  expect((await server.request('POST', CRONTABS, object('today'))).status).toBe(422);
});

test('discovery says in which version objects are stored', async () => {
  const server = testServer();
  const hashOf = async (path: string, name: string): Promise<unknown> =>
    (await server.request('GET', path)).json.resources.find((one: { name: string }) => one.name === name)
      .storageVersionHash;
  // As a cluster of Kubernetes answers.
  expect(await hashOf('/api/v1', 'pods')).toBe('xPOwRZ+Yhw8=');
  expect(await hashOf('/apis/apps/v1', 'deployments')).toBe('8aSe+NMegvE=');
  expect(await hashOf('/api/v1', 'pods/status')).toBeUndefined();
  expect(await hashOf('/apis/authorization.k8s.io/v1', 'subjectaccessreviews')).toBeUndefined();
  const versions = (storage: string): Json[] =>
    ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === storage, schema: schemaOf({}) }));
  await server.request('POST', DEFINITIONS, definitionOf({ versions: versions('v1') }));
  const before = await hashOf('/apis/stable.example.com/v2', 'crontabs');
  expect(before).toBe(await hashOf('/apis/stable.example.com/v1', 'crontabs'));
  await change(server, ({ spec }) => Object.assign(spec, { versions: versions('v2') }));
  expect(await hashOf('/apis/stable.example.com/v1', 'crontabs')).not.toBe(before);
});
