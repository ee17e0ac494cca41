import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KIND_SAMPLES } from '../../functions/apiserver/registry/kind-samples.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import { startApi, type TestApi } from './support/api.js';
import { MERGE, positionOf, typesOf } from './support/lifecycle.js';

const CORE = '/api/v1/namespaces/default';
const CONFIG_MAPS = `${CORE}/configmaps`;
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const AGGREGATED = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ retentionEventsMax: 60 });
  await api.request('POST', `${CORE}/serviceaccounts`, { metadata: { name: 'default' } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.close();
});

interface DiscoveredGroup {
  metadata: { name?: string };
  versions: { version: string; resources: { resource: string; verbs: string[]; scope: string }[] }[];
}

test('row 25, 27: aggregated discovery has every group and resource in one document', async () => {
  const groups = new Map<string, DiscoveredGroup>();
  for (const path of ['/api', '/apis']) {
    const answer = await api.request('GET', path, undefined, AGGREGATED);
    expect(answer.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    expect(answer.json).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    for (const group of answer.json.items) groups.set(group.metadata.name ?? '', group);
  }
  const classic = (await api.request('GET', '/apis')).json.groups as { name: string }[];
  expect([...groups.keys()].toSorted()).toEqual(['', ...classic.map(({ name }) => name)].toSorted());
  for (const [name, { versions }] of groups) {
    for (const { version, resources } of versions) {
      const root = name === '' ? `/api/${version}` : `/apis/${name}/${version}`;
      const listed = (await api.request('GET', root)).json.resources as { name: string }[];
      const own = listed.map((one) => one.name).filter((one) => !one.includes('/'));
      expect(resources.map(({ resource }) => resource).toSorted(), root).toEqual(own.toSorted());
    }
  }
});

test('row 47, 48: each group version lists resources, and the preferred version is one of its group', async () => {
  const { groups } = (await api.request('GET', '/apis')).json;
  expect(groups.length).toBeGreaterThan(15);
  for (const { name, versions, preferredVersion } of groups) {
    expect(versions).toContainEqual(preferredVersion);
    expect((await api.request('GET', `/apis/${name}`)).json).toMatchObject({
      kind: 'APIGroup',
      name,
      preferredVersion,
    });
    for (const { groupVersion } of versions) {
      const list = (await api.request('GET', `/apis/${groupVersion}`)).json;
      expect(list).toMatchObject({ kind: 'APIResourceList', groupVersion });
      expect(list.resources.length).toBeGreaterThan(0);
    }
  }
});

test('row 53: a strict create names unknown and repeated fields alike', async () => {
  const body = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"strict"},"spec":{"unknown1":"v","unknownDupe":"v","unknownDupe":"v","paused":true,"paused":false,"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"a","image":"a","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}`;
  const { json } = await api.request('POST', `${DEPLOYMENTS}?fieldValidation=Strict`, body);
  expect(json).toMatchObject({ code: 400, reason: 'BadRequest' });
  for (const text of [
    'unknown field "spec.unknown1"',
    'unknown field "spec.unknownDupe"',
    'duplicate field "spec.paused"',
    'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
  ]) {
    expect(json.message).toContain(text);
  }
  expect((await api.request('GET', `${DEPLOYMENTS}/strict`)).status).toBe(404);
});

test('row 55: a strict create names an unknown key of metadata', async () => {
  const object = { ...KIND_SAMPLES['apps/deployments'], metadata: { name: 'strict', unknownMeta: 'foo' } };
  const { json } = await api.request('POST', `${DEPLOYMENTS}?fieldValidation=Strict`, object);
  expect(json.message).toContain('strict decoding error: unknown field "metadata.unknownMeta"');
});

test('row 64, 65, 68: a namespace and its status are patched and updated', async () => {
  const created = (await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'rows' } })).json;
  expect(created).toMatchObject({ status: { phase: 'Active' }, spec: { finalizers: ['kubernetes'] } });
  const path = '/api/v1/namespaces/rows';
  await api.request('PATCH', path, { metadata: { labels: { testLabel: 'testValue' } } }, MERGE);
  const read = (await api.request('GET', path)).json;
  expect(read.metadata.labels).toMatchObject({ testLabel: 'testValue', 'kubernetes.io/metadata.name': 'rows' });
  const put = { ...read, metadata: { ...read.metadata, labels: { ...read.metadata.labels, rows: 'updated' } } };
  expect((await api.request('PUT', path, put)).json.metadata.labels.rows).toBe('updated');
  const condition = { type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched' };
  const patched = (await api.request('PATCH', `${path}/status`, { status: { conditions: [condition] } }, MERGE)).json;
  expect(patched.status).toMatchObject({ phase: 'Active', conditions: [condition] });
  const conditions = [...patched.status.conditions, { ...condition, type: 'StatusUpdate' }];
  const updated = await api.request('PUT', `${path}/status`, { ...patched, status: { ...patched.status, conditions } });
  expect(updated.json.status.conditions).toHaveLength(2);
});

test('row 81: a list in chunks is one state of the collection, and counts what is left', async () => {
  const templates = `${CORE}/podtemplates`;
  for (let index = 0; index < 40; index++) {
    await api.request('POST', templates, {
      ...KIND_SAMPLES['/podtemplates'],
      metadata: { name: `chunk-${String(index).padStart(3, '0')}` },
    });
  }
  const seen: string[] = [];
  let token = '';
  let version: string | undefined;
  do {
    const page = (await api.request('GET', `${templates}?limit=7&continue=${token}`)).json;
    version ??= page.metadata.resourceVersion;
    expect(page.metadata.resourceVersion).toBe(version);
    seen.push(...page.items.map((one: KubernetesObject) => one.metadata?.name));
    token = page.metadata.continue ?? '';
    expect(page.metadata.remainingItemCount).toBe(token === '' ? undefined : 40 - seen.length);
  } while (token !== '');
  expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => `chunk-${String(index).padStart(3, '0')}`));
  const whole = (await api.request('GET', templates)).json;
  expect(whole.items).toHaveLength(40);
  expect(whole.metadata).not.toHaveProperty('remainingItemCount');
});

test('row 82: a list goes on at a newer state when the log no longer has its own', async () => {
  const templates = `${CORE}/podtemplates`;
  const page = (await api.request('GET', `${templates}?limit=10`)).json;
  for (let round = 0; round < 200; round++) {
    await api.request('PATCH', `${templates}/chunk-000`, { metadata: { labels: { round: String(round) } } }, MERGE);
  }
  const gone = (await api.request('GET', `${templates}?limit=10&continue=${page.metadata.continue}`)).json;
  expect(gone).toMatchObject({ code: 410, reason: 'Expired' });
  const next = (await api.request('GET', `${templates}?limit=10&continue=${gone.metadata.continue}`)).json;
  expect(next.items[0].metadata.name).toBe('chunk-010');
  expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(Number(page.metadata.resourceVersion));
  const last = (await api.request('GET', `${templates}?continue=${next.metadata.continue}`)).json;
  expect(last.items.map((one: KubernetesObject) => one.metadata?.name)).toHaveLength(20);
});

test('row 83: 406 for a Table of what has none', async () => {
  const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const answer = await api.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body, { accept });
  expect(answer.json).toMatchObject({ code: 406, reason: 'NotAcceptable' });
});

test('row 88, 89: a watch from a resourceVersion has everything after it, and nothing before', async () => {
  const path = `${CONFIG_MAPS}/restart`;
  const first = (await api.request('POST', CONFIG_MAPS, { metadata: { name: 'restart', labels: { w: 'restart' } } }))
    .json;
  const selected = `${CONFIG_MAPS}?watch=1&labelSelector=w%3Drestart&resourceVersion=`;
  const watch = await api.watch(selected + first.metadata.resourceVersion);
  await api.request('PATCH', path, { data: { mutation: '1' } }, MERGE);
  const [seen] = await watch.take(1);
  watch.stop();
  await api.request('PATCH', path, { data: { mutation: '2' } }, MERGE);
  await api.request('DELETE', path);
  const again = await api.watch(selected + seen.object.metadata.resourceVersion);
  expect(await typesOf(again, 2)).toEqual([
    ['MODIFIED', '2'],
    ['DELETED', '2'],
  ]);
  again.stop();
  const older = await api.watch(selected + first.metadata.resourceVersion);
  expect(await typesOf(older, 3)).toEqual([
    ['MODIFIED', '1'],
    ['MODIFIED', '2'],
    ['DELETED', '2'],
  ]);
  older.stop();
});

test('row 90: each of several watches has the events of what it selects', async () => {
  const from = await positionOf(api, CONFIG_MAPS);
  const watch = (selector: string) =>
    api.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${from}&labelSelector=${encodeURIComponent(selector)}`);
  const [a, b, both] = [await watch('w=a'), await watch('w=b'), await watch('w in (a,b)')];
  for (const name of ['a', 'b']) {
    await api.request('POST', CONFIG_MAPS, { metadata: { name: `multi-${name}`, labels: { w: name } } });
    await api.request('PATCH', `${CONFIG_MAPS}/multi-${name}`, { data: { mutation: name } }, MERGE);
    await api.request('DELETE', `${CONFIG_MAPS}/multi-${name}`);
  }
  const ofA = [
    ['ADDED', undefined],
    ['MODIFIED', 'a'],
    ['DELETED', 'a'],
  ];
  const ofB = [
    ['ADDED', undefined],
    ['MODIFIED', 'b'],
    ['DELETED', 'b'],
  ];
  expect(await typesOf(a, 3)).toEqual(ofA);
  expect(await typesOf(b, 3)).toEqual(ofB);
  expect(await typesOf(both, 6)).toEqual([...ofA, ...ofB]);
  for (const one of [a, b, both]) one.stop();
});

test('row 91: what leaves the selector is deleted, what comes back is added, what happens outside is silent', async () => {
  const from = await positionOf(api, CONFIG_MAPS);
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${from}&labelSelector=w%3Dchanges`);
  const path = `${CONFIG_MAPS}/changes`;
  const step = (labels: object, mutation: string) =>
    api.request('PATCH', path, { metadata: { labels }, data: { mutation } }, MERGE);
  await api.request('POST', CONFIG_MAPS, {
    metadata: { name: 'changes', labels: { w: 'changes' } },
    data: { mutation: '0' },
  });
  await step({}, '1');
  await step({ w: 'other' }, '2');
  await step({}, '3');
  await step({ w: 'changes' }, '4');
  await api.request('DELETE', path);
  expect(await typesOf(watch, 5)).toEqual([
    ['ADDED', '0'],
    ['MODIFIED', '1'],
    ['DELETED', '1'],
    ['ADDED', '4'],
    ['DELETED', '4'],
  ]);
  watch.stop();
});

test('row 92: watches opened at different points see the same events in the same order', async () => {
  const collection = `${CORE}/secrets`;
  const versions = [await positionOf(api, collection)];
  const work = async (worker: number): Promise<void> => {
    for (let round = 0; round < 4; round++) {
      const name = `consistent-${worker}-${round % 2}`;
      const created = await api.request('POST', collection, { metadata: { name } });
      if (worker === 0) versions.push(created.json.metadata.resourceVersion);
      await api.request('PATCH', `${collection}/${name}`, { stringData: { round: String(round) } }, MERGE);
      await api.request('DELETE', `${collection}/${name}`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, (_, worker) => work(worker)));
  const total = 4 * 4 * 3;
  const histories: string[][] = [];
  for (const version of versions) {
    const watch = await api.watch(`${collection}?watch=1&resourceVersion=${version}`);
    const events = await watch.take(total - (Number(version) - Number(versions[0])));
    histories.push(events.map(({ object }) => object.metadata.resourceVersion as string));
    watch.stop();
  }
  const [whole = []] = histories;
  expect(whole).toEqual(whole.toSorted((left, right) => Number(left) - Number(right)));
  for (const history of histories) expect(history).toEqual(whole.slice(whole.length - history.length));
});

test('row 93: the version is said in plain integers', async () => {
  const { major, minor } = (await api.request('GET', '/version')).json;
  expect(major).toMatch(/^[0-9]+$/);
  expect(minor).toMatch(/^[0-9]+$/);
});

test('row 149: requests for certificates are approved in their own place', async () => {
  const csr = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const created = (
    await api.request('POST', csr, {
      ...KIND_SAMPLES['certificates.k8s.io/certificatesigningrequests'],
      metadata: { name: 'approved' },
    })
  ).json;
  const condition = { type: 'Approved', status: 'True', reason: 'E2E', message: 'from a test' };
  const body = { ...created, status: { conditions: [condition] } };
  await api.request('PUT', `${csr}/approved/status`, body);
  expect((await api.request('GET', `${csr}/approved`)).json.status?.conditions ?? []).toEqual([]);
  const { resourceVersion } = (await api.request('GET', `${csr}/approved`)).json.metadata;
  const approved = await api.request('PUT', `${csr}/approved/approval`, {
    ...body,
    metadata: { ...created.metadata, resourceVersion },
  });
  expect(approved.json.status.conditions, approved.text).toMatchObject([condition]);
});

test('row 150: tokens of service accounts check out against the published keys', async () => {
  const configuration = (await api.request('GET', '/.well-known/openid-configuration')).json;
  const token = (await api.request('POST', `${CORE}/serviceaccounts/default/token`, { spec: { audiences: ['rows'] } }))
    .json.status.token as string;
  const [header = '', payload = '', signature = ''] = token.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect(read(payload)).toMatchObject({
    iss: configuration.issuer,
    aud: ['rows'],
    sub: 'system:serviceaccount:default:default',
  });
  const { keys } = (await api.request('GET', new URL(configuration.jwks_uri).pathname)).json;
  const key = keys.find((one: { kid: string }) => one.kid === read(header).kid);
  const publicKey = createPublicKey({ key, format: 'jwk' });
  const isGood = verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  expect(isGood).toBe(true);
});

test('row 156: a PUT to a service account stores what it changed', async () => {
  const collection = `${CORE}/serviceaccounts`;
  const created = (await api.request('POST', collection, { metadata: { name: 'updated' } })).json;
  await api.request('PUT', `${collection}/updated`, { ...created, automountServiceAccountToken: true });
  expect((await api.request('GET', `${collection}/updated`)).json.automountServiceAccountToken).toBe(true);
});

test.each([
  ['may not', 'system:serviceaccount:default:default', ['system:serviceaccounts', 'system:authenticated'], false],
  ['may', 'admin', ['system:masters', 'system:authenticated'], true],
])('row 157: reviews answer as the real call of an account that %s', async (_may, username, groups, isAllowed) => {
  const real = await api.handle({ method: 'GET', path: CONFIG_MAPS, user: { username, groups } });
  expect(real.status).toBe(isAllowed ? 200 : 403);
  const resourceAttributes = { verb: 'list', resource: 'configmaps', namespace: 'default' };
  const spec = { user: username, groups, resourceAttributes };
  const root = '/apis/authorization.k8s.io/v1';
  const review = await api.request('POST', `${root}/subjectaccessreviews`, { spec });
  expect(review.json.status.allowed).toBe(isAllowed);
  const body = { metadata: { namespace: 'default' }, spec };
  const local = await api.request('POST', `${root}/namespaces/default/localsubjectaccessreviews`, body);
  expect(local.json.status.allowed).toBe(isAllowed);
});

test('row 212, 215: the service kubernetes is there from the start', async () => {
  const services = (await api.request('GET', '/api/v1/services')).json.items as KubernetesObject[];
  expect(services.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)).toContain('default/kubernetes');
  const service = (await api.request('GET', `${CORE}/services/kubernetes`)).json;
  expect(service.spec).toMatchObject({ clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] });
});

test('row 222: a config map with an empty key is refused', async () => {
  const { json } = await api.request('POST', CONFIG_MAPS, { metadata: { name: 'empty-key' }, data: { '': 'value-1' } });
  expect(json).toMatchObject({ code: 422, reason: 'Invalid' });
});

test('row 315: the value of a priority class cannot change', async () => {
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
  await api.request('POST', classes, { metadata: { name: 'row-315' }, value: 1 });
  const refused = await api.request('PATCH', `${classes}/row-315`, { value: 2 }, MERGE);
  expect(refused.json).toMatchObject({
    code: 422,
    message: expect.stringContaining('value: Forbidden: may not be changed in an update.'),
  });
  expect((await api.request('GET', `${classes}/row-315`)).json.value).toBe(1);
});

test('row 320: a pod keeps its inline volumes', async () => {
  const csi = { driver: 'example.com', volumeAttributes: { foo: 'bar' }, readOnly: true };
  const spec = {
    containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    volumes: [{ name: 'v', csi }],
  };
  const path = `${CORE}/pods/inline`;
  await api.request('POST', `${CORE}/pods`, { metadata: { name: 'inline', labels: { inline: 'yes' } }, spec });
  await api.request('PATCH', path, { metadata: { labels: { patched: 'yes' } } }, MERGE);
  const [listed] = (await api.request('GET', `${CORE}/pods?labelSelector=inline,patched`)).json.items;
  expect(listed.spec.volumes).toContainEqual({ name: 'v', csi });
  await api.request('DELETE', path);
  expect((await api.request('GET', path)).status).toBe(404);
});

test.each([
  ['row 332', 'configmaps'],
  ['row 400', 'secrets'],
])('%s: immutable %s refuse changes of their data and of the flag', async (_row, plural) => {
  const path = `${CORE}/${plural}/immutable`;
  const field = plural === 'secrets' ? 'stringData' : 'data';
  await api.request('POST', `${CORE}/${plural}`, { metadata: { name: 'immutable' }, [field]: { a: '1' } });
  expect((await api.request('PATCH', path, { [field]: { a: '2' } }, MERGE)).status).toBe(200);
  expect((await api.request('PATCH', path, { immutable: true }, MERGE)).json.immutable).toBe(true);
  const before = (await api.request('GET', path)).json.data;
  for (const change of [{ [field]: { a: '3' } }, { immutable: false }, { immutable: null }, { [field]: { b: '1' } }]) {
    const refused = await api.request('PATCH', path, change, MERGE);
    expect(refused.json, JSON.stringify(change)).toMatchObject({ code: 422, reason: 'Invalid' });
  }
  const labelled = await api.request('PATCH', path, { metadata: { labels: { still: 'allowed' } } }, MERGE);
  expect(labelled.json).toMatchObject({ metadata: { labels: { still: 'allowed' } }, data: before });
  expect((await api.request('DELETE', path)).status).toBe(200);
});
