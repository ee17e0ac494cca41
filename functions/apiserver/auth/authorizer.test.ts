import { beforeEach, describe, expect, test } from 'vitest';
import type { UserInfo } from '../../../lib/api/meta.js';
import { FakeClock } from '../../../lib/clock/fake.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';
import { TestObjects } from '../admission/test-objects.js';
import { FixedAuthorizer, forbiddenByAuthorizer } from './authorizer.js';
import type { AuthorizationAttributes } from './auth.js';
import { impersonate, readImpersonation } from './impersonation.js';
import { NodeAuthorizer } from './node-authorizer.js';
import { StoreNodeReferences } from './node-references.js';

const user = (username: string, ...groups: string[]): UserInfo => ({ username, groups });
const master = user('admin', 'system:masters', 'system:authenticated');
const robot = user('system:serviceaccount:shop:robot', 'system:serviceaccounts', 'system:authenticated');
const scheduler = user('system:kube-scheduler', 'system:authenticated');
const manager = user('system:kube-controller-manager', 'system:authenticated');
const node = user('system:node:n1', 'system:nodes', 'system:authenticated');

let store: MemoryStore;
let objects: TestObjects;
let authorizer: FixedAuthorizer;

beforeEach(() => {
  store = new MemoryStore({ clock: new FakeClock() });
  objects = new TestObjects();
  authorizer = new FixedAuthorizer(new NodeAuthorizer(objects, new StoreNodeReferences(store)));
});

/** `get apps/deployments/scale shop/web`, or `get /metrics`. */
function asked(who: UserInfo, verb: string, what: string, where = '', fieldSelector?: string): AuthorizationAttributes {
  if (what.startsWith('/'))
    return {
      user: who,
      verb,
      resourceRequest: false,
      group: '',
      version: '',
      resource: '',
      subresource: '',
      namespace: '',
      name: '',
      path: what,
    };
  const [group = '', resource = '', subresource = ''] =
    what.includes('.') || /^(apps|batch)\//.test(what) ? what.split('/') : ['', ...what.split('/')];
  const [namespace = '', name = ''] = where.includes('/') ? where.split('/') : ['', where];
  return {
    user: who,
    verb,
    resourceRequest: true,
    group,
    version: 'v1',
    resource,
    subresource,
    namespace,
    name,
    path: '',
    fieldSelector,
  };
}

const may = async (...args: Parameters<typeof asked>): Promise<boolean> =>
  (await authorizer.authorize(asked(...args))).allowed;

describe('fixed roles', () => {
  test('system:masters may do everything', async () => {
    expect(await may(master, 'delete', 'secrets', 'kube-system/x')).toBe(true);
    expect(await may(master, 'post', '/anything')).toBe(true);
  });

  test('everybody with credentials reads discovery and asks about themselves, and no more', async () => {
    for (const path of ['/api', '/api/v1', '/apis/apps/v1', '/openapi/v3', '/version', '/healthz'])
      expect(await may(robot, 'get', path)).toBe(true);
    expect(await may(robot, 'create', 'authorization.k8s.io/selfsubjectaccessreviews')).toBe(true);
    expect(await may(robot, 'get', '/openid/v1/jwks')).toBe(true);
    expect(await may(user('x', 'system:authenticated'), 'get', '/openid/v1/jwks')).toBe(false);
    expect(await may(robot, 'get', '/metrics')).toBe(false);
    expect(await may(robot, 'list', 'pods', 'shop/')).toBe(false);
    expect(await may(robot, 'create', 'authentication.k8s.io/tokenreviews')).toBe(false);
  });

  test('without credentials only health and version can be read', async () => {
    const anonymous = user('system:anonymous', 'system:unauthenticated');
    expect(await may(anonymous, 'get', '/version')).toBe(true);
    expect(await may(anonymous, 'get', '/api')).toBe(false);
  });

  test('components have their roles', async () => {
    expect(await may(scheduler, 'create', 'pods/binding', 'shop/web')).toBe(true);
    expect(await may(scheduler, 'create', 'pods', 'shop/web')).toBe(false);
    expect(await may(scheduler, 'get', 'secrets', 'shop/web')).toBe(false);
    expect(await may(manager, 'create', 'apps/replicasets', 'shop/')).toBe(true);
    expect(await may(manager, 'update', 'apps/deployments/status', 'shop/web')).toBe(true);
    expect(await may(manager, 'deletecollection', 'widgets.example.com/widgets', 'shop/')).toBe(true);
    expect(await may(manager, 'impersonate', 'users', 'x')).toBe(false);
    const job = user('system:serviceaccount:kube-system:job-controller', 'system:authenticated');
    expect(await may(job, 'create', 'pods', 'shop/')).toBe(true);
    expect(await may(job, 'create', 'apps/replicasets', 'shop/')).toBe(false);
  });
});

describe('the words of a refusal', () => {
  test.each([
    [
      'list',
      'pods',
      'default/',
      'pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      'get',
      'nodes',
      'n1',
      'nodes "n1" is forbidden: User "x" cannot get resource "nodes" in API group "" at the cluster scope',
    ],
    [
      'update',
      'apps/deployments/scale',
      'shop/web',
      'deployments.apps "web" is forbidden: User "x" cannot update resource "deployments/scale" in API group "apps" in the namespace "shop"',
    ],
    ['get', '/foo', '', 'forbidden: User "x" cannot get path "/foo"'],
  ])('%s %s', (verb, what, where, message) => {
    const error = forbiddenByAuthorizer(asked(user('x'), verb, what, where), '');
    expect(error.status).toMatchObject({ code: 403, reason: 'Forbidden', message });
  });
});

describe('nodes', () => {
  const key = 'shop/web';
  let revision = 0;

  async function write(pod: V1Pod | undefined): Promise<void> {
    const body = (): Uint8Array => Buffer.from(JSON.stringify(pod ?? {}));
    const expectation = revision === 0 ? 'absent' : revision;
    const [written] = await store.write('core/pods', [{ key, expect: expectation, body, delete: pod === undefined }]);
    revision = pod === undefined ? 0 : (written as number);
    if (pod === undefined) objects.remove('pods', 'shop', 'web');
    else objects.put('pods', pod);
  }

  const pod = (nodeName?: string, extra: object = {}): V1Pod => ({
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      nodeName,
      serviceAccountName: 'robot',
      imagePullSecrets: [{ name: 'pull' }],
      containers: [
        {
          name: 'c',
          env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' } } }],
          envFrom: [{ secretRef: { name: 'all' } }],
        },
      ],
      volumes: [
        { name: 'token', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } },
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'scratch', ephemeral: {} },
      ],
      ...extra,
    },
  });

  beforeEach(() => {
    revision = 0;
  });

  test('read what their own pods refer to, as soon as those are bound and as long as they live', async () => {
    expect(await may(node, 'get', 'secrets', 'shop/pull')).toBe(false);
    await write(pod());
    expect(await may(node, 'get', 'secrets', 'shop/pull')).toBe(false);
    await write(pod('n1'));
    for (const what of [
      'secrets/pull',
      'secrets/all',
      'configmaps/settings',
      'configmaps/kube-root-ca.crt',
      'persistentvolumeclaims/data',
      'persistentvolumeclaims/web-scratch',
    ]) {
      const [resource = '', name = ''] = what.split('/');
      expect(await may(node, 'get', resource, `shop/${name}`)).toBe(true);
      expect(await may(node, 'get', resource, `other/${name}`)).toBe(false);
      expect(await may(user('system:node:n2', 'system:nodes'), 'get', resource, `shop/${name}`)).toBe(false);
    }
    expect(await may(node, 'watch', 'configmaps', 'shop/', 'metadata.name=settings')).toBe(true);
    expect(await may(node, 'list', 'configmaps', 'shop/')).toBe(false);
    expect(await may(node, 'update', 'secrets', 'shop/pull')).toBe(false);
    expect(await may(node, 'create', 'serviceaccounts/token', 'shop/robot')).toBe(true);
    expect(await may(node, 'create', 'serviceaccounts/token', 'shop/other')).toBe(false);
    await write(undefined);
    expect(await may(node, 'get', 'secrets', 'shop/pull')).toBe(false);
  });

  test('see the references of ephemeral containers added later, and of pods behind a compacted log', async () => {
    await write(pod('n1'));
    expect(await may(node, 'get', 'secrets', 'shop/debug')).toBe(false);
    await write(pod('n1', { ephemeralContainers: [{ name: 'd', envFrom: [{ secretRef: { name: 'debug' } }] }] }));
    expect(await may(node, 'get', 'secrets', 'shop/debug')).toBe(true);
  });

  test('reach persistent volumes through the claims of their pods', async () => {
    await write(pod('n1'));
    objects.put('persistentvolumes', {
      metadata: { name: 'pv1' },
      spec: { claimRef: { namespace: 'shop', name: 'data' } },
    });
    objects.put('persistentvolumes', {
      metadata: { name: 'pv2' },
      spec: { claimRef: { namespace: 'shop', name: 'no' } },
    });
    expect(await may(node, 'get', 'persistentvolumes', 'pv1')).toBe(true);
    expect(await may(node, 'get', 'persistentvolumes', 'pv2')).toBe(false);
  });

  test('list pods of their own only', async () => {
    await write(pod('n1'));
    expect(await may(node, 'list', 'pods', '', 'spec.nodeName=n1')).toBe(true);
    expect(await may(node, 'watch', 'pods', '', 'spec.nodeName==n1,status.phase!=Failed')).toBe(true);
    expect(await may(node, 'list', 'pods', '', 'spec.nodeName=n2')).toBe(false);
    expect(await may(node, 'list', 'pods', '', '')).toBe(false);
    expect(await may(node, 'get', 'pods', 'shop/web')).toBe(true);
    expect(await may(node, 'get', 'pods', 'shop/other', 'spec.nodeName=n1')).toBe(false);
    expect(await may(node, 'update', 'pods', 'shop/web')).toBe(false);
    expect(await may(node, 'update', 'pods/status', 'shop/web')).toBe(true);
  });

  test('keep their own lease and report themselves', async () => {
    expect(await may(node, 'update', 'coordination.k8s.io/leases', 'kube-node-lease/n1')).toBe(true);
    expect(await may(node, 'update', 'coordination.k8s.io/leases', 'kube-node-lease/n2')).toBe(false);
    expect(await may(node, 'get', 'coordination.k8s.io/leases', 'kube-system/n1')).toBe(false);
    expect(await may(node, 'patch', 'nodes/status', 'n1')).toBe(true);
    expect(await may(node, 'list', 'services', '')).toBe(true);
    expect(await may(node, 'list', 'discovery.k8s.io/endpointslices', '')).toBe(true);
    expect(await may(node, 'delete', 'nodes', 'n1')).toBe(false);
    expect(await authorizer.authorize(asked(user('who', 'system:nodes'), 'list', 'services'))).toEqual({
      allowed: false,
      reason: 'unknown node for user "who"',
    });
  });
});

describe('impersonation', () => {
  test.each(['constructor', '__proto__'])('an extra may be called %s', (key) => {
    const wanted = read({ 'impersonate-user': 'jane', [`impersonate-extra-${key}`]: 'x' });
    expect(Object.entries(wanted?.extra ?? {})).toEqual([[key, ['x']]]);
  });

  const read = (headers: Record<string, string>): ReturnType<typeof readImpersonation> =>
    readImpersonation((name) => headers[name], Object.keys(headers));

  test('gives the asked identity to those who may', async () => {
    const wanted = read({
      'impersonate-user': 'jane',
      'impersonate-group': 'dev, ops',
      'impersonate-extra-example.com%2fscope': 'view',
    });
    if (wanted === undefined) throw new Error('nobody to impersonate');
    expect(await impersonate(master, wanted, authorizer)).toEqual({
      username: 'jane',
      groups: ['dev', 'ops', 'system:authenticated'],
      extra: { 'example.com/scope': ['view'] },
    });
    await expect(impersonate(robot, wanted, authorizer)).rejects.toThrow(
      'users "jane" is forbidden: User "system:serviceaccount:shop:robot" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
  });

  test('knows the groups of service accounts and of anonymous', async () => {
    const as = async (name: string): Promise<string[]> => {
      const wanted = read({ 'impersonate-user': name });
      return wanted === undefined ? [] : (await impersonate(master, wanted, authorizer)).groups;
    };
    expect(await as('system:serviceaccount:shop:robot')).toEqual([
      'system:serviceaccounts',
      'system:serviceaccounts:shop',
      'system:authenticated',
    ]);
    expect(await as('system:anonymous')).toEqual(['system:unauthenticated']);
  });

  test('needs a user', () => {
    expect(read({})).toBeUndefined();
    expect(() => read({ 'impersonate-group': 'dev' })).toThrow('without impersonating a user');
  });
});
