import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ALL_VERBS } from '../../functions/apiserver/resources/kind.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import { builtinSchemas } from '../../lib/schema/builtin/builtin-schemas.js';
import { encodeProtobuf } from '../../lib/schema/protobuf/protobuf.js';
import { serve, startApi, type ApiClient, type TestApi, type TestHost } from './support/api.js';
import { httpsClient } from './support/https-client.js';
import {
  CONDITION_STATUS,
  essence,
  inVersion,
  KIND_CASES,
  NAMESPACE,
  sampleOf,
  STATUSES,
  type KindCase,
} from './support/kind-cases.js';

const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const PARTIAL = { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' };
const PARTIAL_LIST = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };

/** These go over sockets, the others straight to the app. */
const OVER_HTTPS = new Set(['v1 pods', 'v1 nodes', 'apps/v1 deployments', 'events.k8s.io/v1 events']);

let api: TestApi;
let host: TestHost;
let overHttps: ReturnType<typeof httpsClient>;
beforeAll(async () => {
  api = await startApi();
  host = await serve(api);
  overHttps = httpsClient(host);
  await api.request('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: 'default' } });
});
afterAll(async () => {
  overHttps.close();
  await host.close();
  expect(api.errors).toEqual([]);
  await api.close();
});

/** Some kinds would keep their dependents, or wait for a kubelet. */
const AT_ONCE = 'propagationPolicy=Background&gracePeriodSeconds=0';
/** Tests of what a kind does not have are not skipped: there are none. */
const when = (has: boolean): typeof test | (() => void) => (has ? test : () => undefined);

const OBJECTS_PER_TEST = 5;
let rounds = 0;

describe.each(KIND_CASES.map((kind) => [kind.title, kind] as const))('%s', (title, kind) => {
  const { definition, collection, all } = kind;
  const { namespaced } = definition;
  const verbs = definition.verbs ?? ALL_VERBS;
  const client: ApiClient = {
    request: (...request) => (OVER_HTTPS.has(title) ? overHttps : api).request(...request),
    watch: (...request) => (OVER_HTTPS.has(title) ? overHttps : api).watch(...request),
  };

  // Each test has names and a label of its own, so that what one leaves behind is nothing to the next.
  let first = 0;
  let suite: { suite: string };
  let selected: string;
  beforeEach(() => {
    first = rounds++ * OBJECTS_PER_TEST;
    suite = { suite: `from-${first}` };
    selected = `labelSelector=suite%3D${suite.suite}`;
  });

  /** A stored object, in the version of this case. */
  const create = async (index: number, labels: Record<string, string> = suite) => {
    const stored = KIND_CASES.find((one) => one.definition === definition) as KindCase;
    const created = await client.request(
      'POST',
      `${stored.collection}?fieldValidation=Strict`,
      sampleOf(kind, first + index, labels),
    );
    expect(created.text).toContain('"uid":');
    expect(created.status).toBe(201);
    const name = created.json.metadata.name as string;
    return { name, path: `${collection}/${name}`, object: (await client.request('GET', `${collection}/${name}`)).json };
  };
  const remove = async (...paths: string[]): Promise<void> => {
    for (const path of paths) {
      await client.request('DELETE', `${path}?${AT_ONCE}`);
      await letGo(path);
    }
  };
  /** A definition of custom resources waits for a controller, which is not here, to delete its objects. */
  const waits = definition.plural === 'customresourcedefinitions';
  const letGo = async (path: string): Promise<void> => {
    if (waits) await client.request('PATCH', path, { metadata: { finalizers: null } }, MERGE);
  };
  const refused = { kind: 'Status', apiVersion: 'v1', status: 'Failure', metadata: {} };
  const target = kind.apiVersion.includes('/')
    ? `${definition.plural}.${kind.apiVersion.split('/')[0]}`
    : definition.plural;

  test('is created, once, and read', async () => {
    const { name, path, object } = await create(0);
    expect(object).toMatchObject({ kind: kind.kind, apiVersion: kind.apiVersion, metadata: { name, labels: suite } });
    expect(object.metadata.namespace).toBe(namespaced ? NAMESPACE : undefined);
    expect(object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(object.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(object.metadata.generation).toBe(definition.hasGeneration === true ? 1 : undefined);

    const again = await client.request('POST', collection, inVersion(kind, sampleOf(kind, first)));
    expect(again.json).toMatchObject({
      ...refused,
      code: 409,
      reason: 'AlreadyExists',
      message: `${target} "${name}" already exists`,
    });
    expect((await client.request('GET', path)).json).toEqual(object);
    await remove(path);
    for (const method of ['GET', 'DELETE']) {
      const missing = await client.request(method, `${collection}/none`);
      expect(missing.json).toMatchObject({
        ...refused,
        code: 404,
        reason: 'NotFound',
        message: `${target} "none" not found`,
      });
    }
  });

  test('comes in protobuf and YAML as in JSON, and goes out as YAML', async () => {
    const sample = {
      ...sampleOf(kind, first),
      kind: definition.kind,
      apiVersion: KIND_CASES.find((one) => one.definition === definition)?.apiVersion,
    };
    const stored = (KIND_CASES.find((one) => one.definition === definition) as KindCase).collection;
    const bodies: [Record<string, string>, string | Uint8Array][] = [
      [{ 'content-type': 'application/json' }, JSON.stringify(sample)],
      [{ 'content-type': 'application/yaml' }, `# as YAML\n${JSON.stringify(sample)}`],
      [
        { 'content-type': 'application/vnd.kubernetes.protobuf' },
        encodeProtobuf(sample as unknown as Record<string, unknown>, builtinSchemas()),
      ],
    ];
    const made: unknown[] = [];
    for (const [headers, body] of bodies) {
      const created = await client.request('POST', `${stored}?dryRun=All`, body, headers);
      expect(created.status, created.text).toBe(201);
      made.push(essence(created.json));
    }
    expect(made[1]).toEqual(made[0]);
    expect(made[2]).toEqual(made[0]);
    const { path } = await create(0);
    const yaml = await client.request('GET', path, undefined, { accept: 'application/yaml' });
    expect(yaml.headers['content-type']).toBe('application/yaml');
    expect(yaml.text).toMatch(new RegExp(`^kind: ${kind.kind}$`, 'm'));
    await remove(path);
  });

  test('dry runs change nothing', async () => {
    const { path, object } = await create(0);
    const other = await client.request('POST', `${collection}?dryRun=All`, inVersion(kind, sampleOf(kind, first + 1)));
    if (kind.kind === definition.kind && all === KIND_CASES.find((one) => one.definition === definition)?.all) {
      expect(other.status, other.text).toBe(201);
      expect(other.json.metadata.uid).toBeDefined();
    }
    const labelled = { ...object, metadata: { ...object.metadata, labels: { dry: 'run' } } };
    const put = await client.request('PUT', `${path}?dryRun=All`, labelled);
    expect(put.json.metadata.labels).toMatchObject({ dry: 'run' });
    const patched = await client.request(
      'PATCH',
      `${path}?dryRun=All`,
      { metadata: { labels: { dry: 'run' } } },
      MERGE,
    );
    expect(patched.json.metadata.labels).toMatchObject({ dry: 'run' });
    expect((await client.request('DELETE', `${path}?dryRun=All`)).status).toBe(200);
    expect((await client.request('GET', path)).json).toEqual(object);
    expect((await client.request('GET', `${all}?${selected}`)).json.items).toEqual([object]);
    await remove(path);
  });

  test('is listed, selected and paged', async () => {
    const made = [await create(0), await create(1), await create(2, { ...suite, odd: 'yes' })];
    const objects = made
      .map(({ object }) => object)
      .sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
    const list = (await client.request('GET', `${collection}?${selected}`)).json;
    expect(list).toMatchObject({ kind: `${kind.kind}List`, apiVersion: kind.apiVersion, items: objects });
    expect(Number(list.metadata.resourceVersion)).toBeGreaterThan(0);
    expect((await client.request('GET', `${all}?${selected}`)).json.items).toEqual(objects);

    const select = async (query: string): Promise<unknown> =>
      (await client.request('GET', `${collection}?${query}`)).json.items.map(
        (one: KubernetesObject) => one.metadata?.name,
      );
    const names = objects.map(({ metadata }) => metadata.name);
    const odd = made[2]?.name;
    expect(await select(`${selected},odd`)).toEqual([odd]);
    expect(await select(`${selected},!odd`)).toEqual(names.filter((name) => name !== odd));
    expect(await select(`labelSelector=suite%20in%20(${suite.suite}),odd%20notin%20(no)`)).toEqual(names);
    expect(await select(`fieldSelector=metadata.name%3D${odd}`)).toEqual([odd]);
    expect(await select(`${selected}&fieldSelector=metadata.name!%3D${odd}`)).toEqual(
      names.filter((name) => name !== odd),
    );

    const paged: KubernetesObject[] = [];
    let token = '';
    const versions = new Set<string>();
    do {
      const page = (await client.request('GET', `${collection}?limit=1&continue=${token}`)).json;
      expect(page.items.length).toBeLessThanOrEqual(1);
      paged.push(...page.items);
      versions.add(page.metadata.resourceVersion);
      token = page.metadata.continue ?? '';
      // Written between two pages, and in none of them.
      if (paged.length === 1) await create(3, { late: suite.suite });
    } while (token !== '');
    expect(versions.size).toBe(1);
    expect(paged.filter(({ metadata }) => metadata?.labels?.suite === suite.suite)).toEqual(objects);
    const [late] = (await client.request('GET', `${collection}?labelSelector=late%3D${suite.suite}`)).json.items;
    expect(paged.some(({ metadata }) => metadata?.uid === late.metadata.uid)).toBe(false);
    await remove(...made.map(({ path }) => path), `${collection}/${late.metadata.name}`);
  });

  test('is updated, unless somebody else was faster', async () => {
    const { name, path, object } = await create(0);
    const same = await client.request('PUT', `${path}?fieldValidation=Strict`, object);
    expect(same.json.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
    const updated = await client.request('PUT', path, {
      ...object,
      metadata: { ...object.metadata, labels: { ...suite, a: 'b' }, uid: undefined },
    });
    expect(updated.json.metadata).toMatchObject({ uid: object.metadata.uid, labels: { ...suite, a: 'b' } });
    expect(Number(updated.json.metadata.resourceVersion)).toBeGreaterThan(Number(object.metadata.resourceVersion));
    expect((await client.request('GET', path)).json).toEqual(updated.json);

    const stale = await client.request('PUT', path, {
      ...object,
      metadata: { ...object.metadata, labels: { lost: 'yes' } },
    });
    expect(stale.json).toMatchObject({
      ...refused,
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ${target} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    });
    const unconditional = await client.request('PUT', path, {
      ...updated.json,
      metadata: { ...updated.json.metadata, resourceVersion: undefined, labels: suite },
    });
    if (definition.allowUnconditionalUpdate === false) {
      expect(unconditional.json).toMatchObject({
        code: 422,
        message: expect.stringContaining(
          'metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
        ),
      });
    } else expect(unconditional.json.metadata.labels).not.toHaveProperty('a');
    const another = await client.request('PUT', path, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: undefined, uid: 'another' },
    });
    expect(another.status, another.text).toBe(definition.allowUnconditionalUpdate === false ? 422 : 409);
    await remove(path);
  });

  test('is patched in three ways', async () => {
    const { path } = await create(0);
    const held = ['example.com/a', 'example.com/b'];
    const json = await client.request(
      'PATCH',
      path,
      [
        { op: 'add', path: '/metadata/annotations', value: { a: '1', b: '2' } },
        { op: 'test', path: '/metadata/labels/suite', value: suite.suite },
        { op: 'add', path: '/metadata/finalizers', value: held },
      ],
      JSON_PATCH,
    );
    expect(json.json.metadata).toMatchObject({ annotations: { a: '1', b: '2' }, finalizers: held });
    const merged = await client.request(
      'PATCH',
      path,
      { metadata: { annotations: { a: null, c: '3' }, finalizers: ['example.com/c'] } },
      MERGE,
    );
    expect(merged.json.metadata).toMatchObject({ annotations: { b: '2', c: '3' }, finalizers: ['example.com/c'] });
    expect(merged.json.metadata.annotations).not.toHaveProperty('a');
    const strategic = await client.request(
      'PATCH',
      path,
      { metadata: { finalizers: ['example.com/a'], labels: { $patch: 'replace', only: 'this' } } },
      STRATEGIC,
    );
    expect(strategic.json.metadata.finalizers.toSorted()).toEqual(['example.com/a', 'example.com/c']);
    expect(strategic.json.metadata.labels).toMatchObject({ only: 'this' });
    expect(strategic.json.metadata.labels).not.toHaveProperty('suite');
    expect((await client.request('GET', path)).json).toEqual(strategic.json);
    const failed = await client.request(
      'PATCH',
      path,
      [
        { op: 'test', path: '/metadata/labels/only', value: 'that' },
        { op: 'remove', path: '/metadata/finalizers' },
      ],
      JSON_PATCH,
    );
    expect(failed.json).toMatchObject({ ...refused, code: 422, reason: 'Invalid' });
    const stale = await client.request(
      'PATCH',
      path,
      { metadata: { resourceVersion: '1', labels: { lost: 'yes' } } },
      MERGE,
    );
    expect(stale.json).toMatchObject({ ...refused, code: 409, reason: 'Conflict' });
    expect((await client.request('GET', path)).json).toEqual(strategic.json);

    // Finalizers hold it until they go.
    const waiting = await client.request('DELETE', `${path}?${AT_ONCE}`);
    expect(waiting.json.metadata.deletionTimestamp).toBeDefined();
    expect((await client.request('GET', path)).json.metadata.deletionTimestamp).toBe(
      waiting.json.metadata.deletionTimestamp,
    );
    await client.request('PATCH', path, { metadata: { finalizers: null } }, MERGE);
    if (definition.holdsDeletion === undefined) expect((await client.request('GET', path)).status).toBe(404);
  });

  test('is watched', async () => {
    const from = (await client.request('GET', collection)).json.metadata.resourceVersion;
    const events = await client.watch(`${all}?watch=1&resourceVersion=${from}&${selected}`);
    const { path, object, name } = await create(0);
    const named = await client.watch(
      `${collection}?watch=1&fieldSelector=metadata.name%3D${name}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    const changed = (await client.request('PATCH', path, { metadata: { annotations: { a: '1' } } }, MERGE)).json;
    const unlabelled = (await client.request('PATCH', path, { metadata: { labels: { suite: null } } }, MERGE)).json;
    const back = (await client.request('PATCH', path, { metadata: { labels: suite } }, MERGE)).json;
    await remove(path);

    const seen = await events.take(4);
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED']);
    expect(seen[0].object).toEqual(object);
    expect(seen[1].object).toEqual(changed);
    expect(seen[2].object.metadata).toMatchObject({
      labels: suite,
      resourceVersion: unlabelled.metadata.resourceVersion,
    });
    expect(seen[3].object).toEqual(back);
    const first = await named.take(2);
    expect(first[0]).toEqual({ type: 'ADDED', object });
    expect(first[1]).toMatchObject({
      type: 'BOOKMARK',
      object: {
        kind: kind.kind,
        apiVersion: kind.apiVersion,
        metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
      },
    });
    expect((await named.take(3)).map(({ type, object: one }) => [type, one.metadata.resourceVersion])).toEqual([
      ['MODIFIED', changed.metadata.resourceVersion],
      ['MODIFIED', unlabelled.metadata.resourceVersion],
      ['MODIFIED', back.metadata.resourceVersion],
    ]);
    const last = await events.next();
    const isHeld = definition.holdsDeletion !== undefined || waits;
    expect(last.type).toBe(isHeld ? 'MODIFIED' : 'DELETED');
    expect(last.object.metadata.uid).toBe(object.metadata.uid);
    expect(Number(last.object.metadata.resourceVersion)).toBeGreaterThan(Number(back.metadata.resourceVersion));
    events.stop();
    named.stop();
  });

  test('is shown as a Table, and as its metadata alone', async () => {
    const { name, path, object } = await create(4);
    const table = (await client.request('GET', `${collection}?${selected}`, undefined, TABLE)).json;
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    const rows = table.rows.filter((row: { object: KubernetesObject }) => row.object.metadata?.name === name);
    expect(rows).toHaveLength(1);
    expect(rows[0].cells).toHaveLength(table.columnDefinitions.length);
    expect(rows[0].cells).toContain(name);
    expect(rows[0].object).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { uid: object.metadata.uid },
    });
    for (const column of table.columnDefinitions) {
      expect(column).toMatchObject({
        name: expect.stringMatching(/\S/),
        type: expect.stringMatching(/^(?:string|integer|number|boolean|date)$/),
        description: expect.stringMatching(/\S/),
      });
      expect(column.priority).toBeGreaterThanOrEqual(0);
    }
    const one = (await client.request('GET', path, undefined, TABLE)).json;
    // Ages may have grown meanwhile.
    expect(one.rows).toEqual([{ ...rows[0], cells: expect.arrayContaining([name]) }]);
    expect(one.columnDefinitions).toEqual(table.columnDefinitions);
    const whole = (await client.request('GET', `${path}?includeObject=Object`, undefined, TABLE)).json;
    expect(whole.rows[0].object).toEqual(object);

    const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
    expect((await client.request('GET', path, undefined, PARTIAL)).json).toEqual(partial);
    const list = (
      await client.request('GET', `${collection}?fieldSelector=metadata.name%3D${name}`, undefined, PARTIAL_LIST)
    ).json;
    expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', items: [partial] });
    await remove(path);
  });

  when(definition.hasStatus === true)('has a status that is written by itself', async () => {
    const { path, object } = await create(0);
    expect((await client.request('GET', `${path}/status`)).json).toEqual(object);
    const wanted = STATUSES[title] ?? STATUSES[definition.plural] ?? CONDITION_STATUS;
    const patched = await client.request(
      'PATCH',
      `${path}/status`,
      { metadata: { annotations: { status: 'written' } }, status: wanted },
      MERGE,
    );
    expect(patched.json.status, patched.text).toMatchObject(wanted);
    expect(patched.json.metadata.annotations).toMatchObject({ status: 'written' });
    expect(patched.json.metadata.generation).toBe(object.metadata.generation);
    const put = await client.request('PUT', `${path}/status`, {
      ...patched.json,
      metadata: { ...patched.json.metadata, labels: { not: 'here' } },
      status: object.status,
    });
    expect(put.json.status ?? {}).toEqual(object.status ?? {});
    expect(put.json.metadata.labels).toEqual(object.metadata.labels);
    if (definition.keepsStatusOnCreate !== true) {
      const ordinary = await client.request('PATCH', path, { status: wanted }, MERGE);
      expect(ordinary.json.status ?? {}).toEqual(object.status ?? {});
    }
    await remove(path);
  });

  when(definition.scale !== undefined)('is scaled', async () => {
    const { name, path } = await create(0);
    const scale = (await client.request('GET', `${path}/scale`)).json;
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace: NAMESPACE },
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'app=web' },
    });
    const put = await client.request('PUT', `${path}/scale`, { ...scale, spec: { replicas: 3 } });
    expect(put.json.spec).toEqual({ replicas: 3 });
    const scaled = (await client.request('GET', path)).json;
    expect(scaled.spec.replicas).toBe(3);
    expect(scaled.metadata.generation).toBe(2);
    expect(put.json.metadata.resourceVersion).toBe(scaled.metadata.resourceVersion);
    await client.request('PATCH', `${path}/scale`, { spec: { replicas: 0 } }, MERGE);
    expect((await client.request('GET', path)).json.spec.replicas).toBe(0);
    const stale = await client.request('PUT', `${path}/scale`, { ...scale, spec: { replicas: 9 } });
    expect(stale.json).toMatchObject({ code: 409, reason: 'Conflict' });
    const negative = await client.request('PATCH', `${path}/scale`, { spec: { replicas: -1 } }, MERGE);
    expect(negative.json).toMatchObject({ code: 422, reason: 'Invalid' });
    await remove(path);
  });

  test('is deleted, the right one only', async () => {
    const { name, path, object } = await create(0);
    const wrong = await client.request('DELETE', path, { preconditions: { uid: 'another' } });
    expect(wrong.json).toMatchObject({ ...refused, code: 409, reason: 'Conflict' });
    const old = await client.request('DELETE', path, { preconditions: { resourceVersion: '1' } });
    expect(old.json).toMatchObject({ ...refused, code: 409, reason: 'Conflict' });
    expect((await client.request('GET', path)).json).toEqual(object);
    const deleted = await client.request('DELETE', path, {
      preconditions: { uid: object.metadata.uid },
      gracePeriodSeconds: 0,
      propagationPolicy: 'Background',
    });
    expect(deleted.status).toBe(200);
    await letGo(path);
    const isStatus = deleted.json.kind === 'Status';
    if (isStatus)
      expect(deleted.json).toMatchObject({
        status: 'Success',
        details: { name, kind: definition.plural, uid: object.metadata.uid },
      });
    else expect(deleted.json).toMatchObject({ kind: kind.kind, metadata: { uid: object.metadata.uid } });
    if (definition.holdsDeletion === undefined) expect((await client.request('GET', path)).status).toBe(404);
  });

  when(verbs.includes('deletecollection'))('is deleted as a collection, what is selected only', async () => {
    const stays = await create(0, { stays: 'yes' });
    const goes = [await create(1), await create(2)];
    const dry = await client.request('DELETE', `${collection}?${selected}&dryRun=All`);
    expect(dry.json.items).toHaveLength(2);
    expect((await client.request('GET', `${all}?${selected}`)).json.items).toHaveLength(2);
    const deleted = await client.request('DELETE', `${collection}?${selected}&${AT_ONCE}`);
    expect(deleted.json).toMatchObject({ kind: `${kind.kind}List`, apiVersion: kind.apiVersion });
    expect(deleted.json.items.map((one: KubernetesObject) => one.metadata?.name).toSorted()).toEqual(
      goes.map(({ name }) => name).toSorted(),
    );
    for (const { path } of goes) await letGo(path);
    expect((await client.request('GET', `${all}?${selected}`)).json.items).toEqual([]);
    expect((await client.request('GET', stays.path)).json).toEqual(stays.object);
    await remove(stays.path);
  });
});
