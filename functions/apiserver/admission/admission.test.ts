import { beforeEach, describe, expect, test } from 'vitest';
import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import { FakeClock } from '../../../lib/clock/fake.js';
import { seededRandom } from '../../../lib/random.js';
import type { V1Node, V1Pod, V1PodSpec } from '../../../lib/schema/generated/types.js';
import type { KindDefinition } from '../resources/kind.js';
import { staticAdmission } from './index.js';
import type { AdmissionAttributes } from './plugin.js';
import { NO_KINDS, requestForTests, TestObjects } from './test-objects.js';

const admin: UserInfo = { username: 'admin', groups: ['system:masters'] };
const node: UserInfo = { username: 'system:node:n1', groups: ['system:nodes'] };

let clock: FakeClock;
let objects: TestObjects;

beforeEach(() => {
  clock = new FakeClock();
  objects = new TestObjects({
    namespaces: [
      { metadata: { name: 'shop' }, status: { phase: 'Active' } },
      { metadata: { name: 'dying' }, status: { phase: 'Terminating' } },
      { metadata: { name: 'kube-node-lease' }, status: { phase: 'Active' } },
    ],
    serviceaccounts: [
      { metadata: { name: 'default', namespace: 'shop' }, imagePullSecrets: [{ name: 'pull' }] },
      { metadata: { name: 'quiet', namespace: 'shop' }, automountServiceAccountToken: false },
    ],
  });
});

interface Write {
  operation?: AdmissionAttributes['operation'];
  subresource?: string;
  user?: UserInfo;
  old?: object;
  namespace?: string;
}

/** Runs the whole chain over a write of `plural[.group]`; the object is changed in place. */
async function admit<T extends object>(what: string, object: T | undefined, write: Write = {}): Promise<T> {
  const [plural = '', ...group] = what.split('.');
  const given = (object ?? write.old) as KubernetesObject;
  const attributes: AdmissionAttributes = {
    operation: write.operation ?? 'CREATE',
    kind: { group: group.join('.'), plural } as KindDefinition,
    subresource: write.subresource ?? '',
    namespace: write.namespace ?? given.metadata?.namespace ?? '',
    name: given.metadata?.name ?? '',
    object: object as KubernetesObject | undefined,
    oldObject: write.old as KubernetesObject | undefined,
    user: write.user ?? admin,
    dryRun: false,
    ...requestForTests(),
    warn: () => undefined,
    annotate: () => undefined,
  };
  const authorizer = { authorize: async () => ({ allowed: false, reason: '' }) };
  const context = { clock, random: seededRandom(1), objects, policies: objects, catalog: NO_KINDS, authorizer };
  const plugins = staticAdmission({ tolerations: { notReadySeconds: 10, unreachableSeconds: 20 } });
  for (const plugin of plugins) await plugin.mutate?.(attributes, context);
  for (const plugin of plugins) await plugin.validate?.(attributes, context);
  return object as T;
}

const pod = (spec: Partial<V1PodSpec> = {}, metadata: object = {}): V1Pod & { spec: V1PodSpec } => ({
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec: { containers: [{ name: 'c' }], ...spec },
});

describe('NamespaceLifecycle', () => {
  const map = (namespace: string): object => ({ metadata: { name: 'm', namespace } });

  test('refuses content without a namespace and in one that is being deleted', async () => {
    await admit('configmaps', map('shop'));
    await expect(admit('configmaps', map('nowhere'))).rejects.toMatchObject({
      status: { code: 404, message: 'namespaces "nowhere" not found' },
    });
    await expect(admit('configmaps', map('dying'))).rejects.toMatchObject({
      status: {
        code: 403,
        message:
          'configmaps "m" is forbidden: unable to create new content in namespace dying because it is being terminated',
        details: {
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: 'namespace dying is being terminated',
              field: 'metadata.namespace',
            },
          ],
        },
      },
    });
    await admit('configmaps', map('dying'), { operation: 'UPDATE', old: map('dying') });
    await admit('configmaps', undefined, { operation: 'DELETE', old: map('nowhere') });
    await admit('localsubjectaccessreviews.authorization.k8s.io', map('nowhere'));
  });

  test('keeps the namespaces that everything stands on', async () => {
    const remove = (name: string): Promise<unknown> =>
      admit('namespaces', undefined, { operation: 'DELETE', old: { metadata: { name } } });
    await expect(remove('kube-system')).rejects.toThrow(
      'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    );
    await remove('shop');
  });
});

describe('ServiceAccount', () => {
  test('gives a pod its account, token volume and pull secrets', async () => {
    const { spec } = await admit('pods', pod({ initContainers: [{ name: 'i' }], volumes: [{ name: 'data' }] }));
    expect(spec.serviceAccountName).toBe('default');
    expect(spec.serviceAccount).toBe('default');
    expect(spec.imagePullSecrets).toEqual([{ name: 'pull' }]);
    const volume = spec.volumes?.[1];
    expect(volume).toEqual({
      name: expect.stringMatching(/^kube-api-access-[a-z0-9]{5}$/),
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
            },
          },
        ],
      },
    });
    for (const container of [...spec.containers, ...(spec.initContainers ?? [])])
      expect(container.volumeMounts).toEqual([
        { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
      ]);
  });

  test('mounts no token when pod or account opt out, or something is mounted there', async () => {
    expect((await admit('pods', pod({ automountServiceAccountToken: false }))).spec.volumes).toBeUndefined();
    expect((await admit('pods', pod({ serviceAccountName: 'quiet' }))).spec.volumes).toBeUndefined();
    expect(
      (await admit('pods', pod({ serviceAccountName: 'quiet', automountServiceAccountToken: true }))).spec.volumes,
    ).toHaveLength(1);
    const own = { name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    const { spec } = await admit('pods', pod({ containers: [{ name: 'c', volumeMounts: [own] }] }));
    expect(spec.volumes).toBeUndefined();
    expect(spec.containers[0]?.volumeMounts).toEqual([own]);
  });

  test('refuses an account that does not exist', async () => {
    await expect(
      admit('pods', pod({ serviceAccountName: 'x' }, { generateName: 'we', name: 'weabcde' })),
    ).rejects.toThrow('pods "we" is forbidden: error looking up service account shop/x: serviceaccount "x" not found');
  });

  test('waits a moment for the default account of a new namespace', async () => {
    objects.put('namespaces', { metadata: { name: 'new' } });
    const admitted = admit('pods', pod({}, { namespace: 'new' }));
    await clock.advance(150);
    objects.put('serviceaccounts', { metadata: { name: 'default', namespace: 'new' } });
    await clock.advance(2_000);
    expect((await admitted).spec.serviceAccountName).toBe('default');
  });

  test('gives mirror pods nothing', async () => {
    const annotations = { 'kubernetes.io/config.mirror': 'x' };
    expect((await admit('pods', pod({}, { annotations }))).spec.serviceAccountName).toBeUndefined();
    await expect(admit('pods', pod({ serviceAccountName: 'default' }, { annotations }))).rejects.toThrow(
      'a mirror pod may not reference service accounts',
    );
    await expect(
      admit('pods', pod({ volumes: [{ name: 's', secret: { secretName: 's' } }] }, { annotations })),
    ).rejects.toThrow('a mirror pod may not reference secrets');
  });

  test('holds pods to the secrets of their account where it says so', async () => {
    objects.put('serviceaccounts', {
      metadata: {
        name: 'strict',
        namespace: 'shop',
        annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' },
      },
      secrets: [{ name: 'mine' }],
    });
    const using = (name: string): V1Pod =>
      pod({ serviceAccountName: 'strict', containers: [{ name: 'c', envFrom: [{ secretRef: { name } }] }] });
    await admit('pods', using('mine'));
    await expect(admit('pods', using('other'))).rejects.toThrow(
      'container c with envFrom referencing secret.secretName="other" is not allowed because service account strict does not reference that secret',
    );
  });
});

describe('Priority', () => {
  beforeEach(() => {
    objects.put('priorityclasses', { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' });
  });

  test('computes the priority of a pod', async () => {
    expect((await admit('pods', pod())).spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
    expect((await admit('pods', pod({ priorityClassName: 'high' }))).spec).toMatchObject({
      priority: 1000,
      preemptionPolicy: 'Never',
    });
    await expect(admit('pods', pod({ priorityClassName: 'x' }))).rejects.toThrow(
      'pods "web" is forbidden: no PriorityClass with name x was found',
    );
    await expect(admit('pods', pod({ priority: 7 }))).rejects.toThrow(
      'the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    );
  });

  test('uses the default class, of which there is one', async () => {
    const standard = { metadata: { name: 'standard' }, value: 5, globalDefault: true };
    objects.put('priorityclasses', standard);
    expect((await admit('pods', pod())).spec).toMatchObject({ priority: 5, priorityClassName: 'standard' });
    const second = { metadata: { name: 'second' }, value: 6, globalDefault: true };
    await expect(admit('priorityclasses.scheduling.k8s.io', second)).rejects.toThrow(
      'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass standard is already marked as default. Only one default can exist',
    );
    await admit('priorityclasses.scheduling.k8s.io', standard, { operation: 'UPDATE', old: standard });
  });

  test('keeps the priority when an update leaves it out', async () => {
    const old = pod({ priority: 9 });
    expect((await admit('pods', pod(), { operation: 'UPDATE', old })).spec.priority).toBe(9);
  });
});

describe('DefaultTolerationSeconds', () => {
  test('adds what a pod does not say itself', async () => {
    const mine = {
      key: 'node.kubernetes.io/not-ready',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    };
    const unreachable = {
      key: 'node.kubernetes.io/unreachable',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 20,
    };
    expect((await admit('pods', pod())).spec.tolerations).toEqual([{ ...mine, tolerationSeconds: 10 }, unreachable]);
    expect((await admit('pods', pod({ tolerations: [mine] }))).spec.tolerations).toEqual([mine, unreachable]);
    const all = [{ operator: 'Exists' }];
    expect((await admit('pods', pod({ tolerations: all }))).spec.tolerations).toEqual(all);
  });
});

describe('nodes', () => {
  const self = (metadata: object = {}, spec: object = {}): V1Node => ({ metadata: { name: 'n1', ...metadata }, spec });

  test('are tainted until they are seen to be ready', async () => {
    const taints = (await admit('nodes', self(), { user: node })).spec?.taints;
    expect(taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
    expect((await admit('nodes', self({}, { taints }))).spec?.taints).toHaveLength(1);
  });

  test('write themselves only, and not what would draw work to them', async () => {
    await expect(admit('nodes', { metadata: { name: 'n2' } }, { user: node })).rejects.toThrow(
      'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
    );
    const labels = { 'kubernetes.io/hostname': 'n1', 'node.kubernetes.io/x': 'y', mine: 'ok' };
    await admit('nodes', self({ labels }), { user: node });
    await expect(
      admit(
        'nodes',
        self({ labels: { 'node-role.kubernetes.io/control-plane': '', 'a.node-restriction.kubernetes.io/b': '' } }),
        {
          user: node,
        },
      ),
    ).rejects.toThrow(
      'node "n1" is not allowed to set the following labels: a.node-restriction.kubernetes.io/b, node-role.kubernetes.io/control-plane',
    );
    const old = self({}, { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] });
    await expect(admit('nodes', self(), { user: node, operation: 'UPDATE', old })).rejects.toThrow(
      'node "n1" is not allowed to modify taints',
    );
    await admit('nodes', self(), { operation: 'UPDATE', old });
  });

  test('report on, evict and delete pods of their own only', async () => {
    const own = pod({ nodeName: 'n1' });
    const other = pod({ nodeName: 'n2' });
    const status: Write = { user: node, operation: 'UPDATE', subresource: 'status' };
    await admit('pods', pod({ nodeName: 'n1' }), { ...status, old: own });
    await expect(admit('pods', pod({ nodeName: 'n2' }), { ...status, old: other })).rejects.toThrow(
      'pods "web" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself',
    );
    await expect(
      admit('pods', pod({ nodeName: 'n1' }, { labels: { a: 'b' } }), { ...status, old: own }),
    ).rejects.toThrow('node "n1" cannot update labels through pod status');
    await admit('pods', undefined, { user: node, operation: 'DELETE', old: own });
    await expect(admit('pods', undefined, { user: node, operation: 'DELETE', old: other })).rejects.toThrow(
      'node "n1" can only delete pods with spec.nodeName set to itself',
    );
    objects.put('pods', other);
    await expect(admit('pods', pod(), { user: node, subresource: 'eviction' })).rejects.toThrow(
      'node n1 can only evict pods with spec.nodeName set to itself',
    );
    await expect(admit('pods', pod(), { user: node })).rejects.toThrow('node "n1" can only create mirror pods');
  });

  test('create mirror pods that they own', async () => {
    objects.put('nodes', { metadata: { name: 'n1', uid: 'u1' } });
    const mirror = (spec: Partial<V1PodSpec> = {}, owner: object = {}): V1Pod =>
      pod(
        { nodeName: 'n1', ...spec },
        {
          annotations: { 'kubernetes.io/config.mirror': 'x' },
          ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1', controller: true, ...owner }],
        },
      );
    await admit('pods', mirror(), { user: node });
    await expect(admit('pods', mirror({}, { uid: 'u2' }), { user: node })).rejects.toThrow('node n1 UID mismatch');
    await expect(admit('pods', mirror({}, { name: 'n2' }), { user: node })).rejects.toThrow(
      'node "n1" can only create pods with an owner reference set to itself',
    );
    const claim = { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'd' } }] };
    await expect(admit('pods', mirror(claim), { user: node })).rejects.toThrow(
      'node "n1" can not create pods that reference persistentvolumeclaims',
    );
  });

  test('get tokens for their pods only', async () => {
    const tokenVolume = { name: 't', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } };
    objects.put('pods', pod({ nodeName: 'n1', volumes: [tokenVolume] }, { uid: 'p1' }));
    objects.put('pods', pod({ nodeName: 'n2' }, { name: 'far', uid: 'p2' }));
    const ask = (reference: object, audiences?: string[]): Promise<unknown> =>
      admit(
        'serviceaccounts',
        { metadata: { name: 'default', namespace: 'shop' }, spec: { boundObjectRef: reference, audiences } },
        { user: node, subresource: 'token' },
      );
    const web = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'p1' };
    await ask(web);
    await expect(ask({})).rejects.toThrow('node requested token not bound to a pod');
    await expect(ask({ ...web, uid: '' })).rejects.toThrow('node requested token with a pod binding without a uid');
    await expect(ask({ ...web, name: 'far', uid: 'p2' })).rejects.toThrow(
      'node requested token bound to a pod scheduled on a different node',
    );
    await expect(ask(web, ['vault'])).rejects.toThrow('audience "vault" not found in pod spec volume');
  });

  test('keep their own lease', async () => {
    const lease = (name: string, namespace = 'kube-node-lease'): object => ({ metadata: { name, namespace } });
    await admit('leases.coordination.k8s.io', lease('n1'), { user: node });
    await expect(admit('leases.coordination.k8s.io', lease('n2'), { user: node })).rejects.toThrow(
      'can only access node lease with the same name as the requesting node',
    );
    await expect(admit('leases.coordination.k8s.io', lease('n1', 'shop'), { user: node })).rejects.toThrow(
      'can only access leases in the "kube-node-lease" system namespace',
    );
  });
});
