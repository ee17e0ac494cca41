import { expect, test, describe } from 'vitest';
import { testServer, type TestServer } from '../registry/test-server.js';
import { staticAdmission } from './index.js';

const NS = '/api/v1/namespaces/shop';
const MERGE = { 'content-type': 'application/merge-patch+json' };

async function shop(labels: Record<string, string> = {}): Promise<TestServer> {
  const server = testServer({ admission: staticAdmission() });
  await server.request('POST', '/api/v1/namespaces', { metadata: { name: 'shop', labels } });
  await server.request('POST', `${NS}/serviceaccounts`, {
    metadata: { name: 'default' },
    automountServiceAccountToken: false,
  });
  return server;
}

const pod = (spec: object = {}, container: object = {}): object => ({
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec },
});

describe('LimitRanger', () => {
  const range = (limits: object[]): object => ({ metadata: { name: 'r' }, spec: { limits } });

  test('fills in defaults and says what it set', async () => {
    const { request } = await shop();
    await request(
      'POST',
      `${NS}/limitranges`,
      range([{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m', memory: '1Mi' } }]),
    );
    const { json } = await request('POST', `${NS}/pods`, pod({ initContainers: [{ name: 'i', image: 'i' }] }));
    expect(json.spec.containers[0].resources).toEqual({
      limits: { cpu: '500m' },
      requests: { cpu: '100m', memory: '1Mi' },
    });
    expect(json.metadata.annotations['kubernetes.io/limit-ranger']).toBe(
      'LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c; cpu, memory request for init container i; cpu limit for init container i',
    );
  });

  test.each([
    [
      { type: 'Container', min: { cpu: '100m' } },
      {},
      'minimum cpu usage per Container is 100m.  No request is specified',
    ],
    [
      { type: 'Container', min: { cpu: '100m' }, defaultRequest: { cpu: '100m' } },
      { requests: { cpu: '50m' } },
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [
      { type: 'Container', max: { memory: '1Gi' } },
      { limits: { memory: '2Gi' } },
      'maximum memory usage per Container is 1Gi, but limit is 2Gi',
    ],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '1' }, limits: { cpu: '3' } },
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      {},
      'cpu max limit to request ratio per Container is 2, but no request is specified or request is 0',
    ],
    [
      { type: 'Pod', max: { cpu: '1', memory: '1Gi' } },
      { limits: { cpu: '2' } },
      '[maximum cpu usage per Pod is 1, but limit is 2, maximum memory usage per Pod is 1Gi.  No limit is specified]',
    ],
  ])('%j', async (item, resources, message) => {
    const { request } = await shop();
    expect((await request('POST', `${NS}/limitranges`, range([item]))).status).toBe(201);
    const answer = await request('POST', `${NS}/pods`, pod({}, { resources }));
    const isMinAlone = 'min' in item && !('defaultRequest' in item);
    if (isMinAlone) expect(answer.status).toBe(201);
    else expect(answer.json).toMatchObject({ code: 403, message: `pods "web" is forbidden: ${message}` });
  });

  test('claims', async () => {
    const { request } = await shop();
    const item = { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } };
    await request('POST', `${NS}/limitranges`, range([item]));
    const claim = (storage: string): object => ({
      metadata: { name: storage.toLowerCase() },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    });
    expect((await request('POST', `${NS}/persistentvolumeclaims`, claim('1Gi'))).status).toBe(201);
    expect((await request('POST', `${NS}/persistentvolumeclaims`, claim('3Gi'))).json.message).toBe(
      'persistentvolumeclaims "3gi" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    );
    expect((await request('POST', `${NS}/persistentvolumeclaims`, claim('1Mi'))).json.message).toBe(
      'persistentvolumeclaims "1mi" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi',
    );
  });
});

const level = (enforce: string, version?: string): Record<string, string> => ({
  'pod-security.kubernetes.io/enforce': enforce,
  ...(version === undefined ? {} : { 'pod-security.kubernetes.io/enforce-version': version }),
});

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

describe('PodSecurity', () => {
  test.each([
    [
      'baseline',
      undefined,
      pod({ hostNetwork: true, hostPID: true }),
      'host namespaces (hostNetwork=true, hostPID=true)',
    ],
    [
      'baseline',
      undefined,
      pod({}, { securityContext: { privileged: true } }),
      'privileged (container "c" must not set securityContext.privileged=true)',
    ],
    [
      'baseline',
      undefined,
      pod({}, { securityContext: { capabilities: { add: ['NET_ADMIN', 'CHOWN'] } } }),
      'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      'baseline',
      undefined,
      pod({ volumes: [{ name: 'h', hostPath: { path: '/' } }] }),
      'hostPath volumes (volume "h")',
    ],
    [
      'baseline',
      undefined,
      pod({}, { ports: [{ containerPort: 80, hostPort: 80 }] }),
      'hostPort (container "c" uses hostPort 80)',
    ],
    [
      'baseline',
      undefined,
      pod({}, { livenessProbe: { httpGet: { path: '/', port: 80, host: '10.0.0.1' } } }),
      'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    ],
    [
      'baseline',
      undefined,
      pod({ securityContext: { seLinuxOptions: { type: 'x', user: 'u' } } }),
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x"; user may not be set)',
    ],
    [
      'baseline',
      undefined,
      pod({}, { securityContext: { seccompProfile: { type: 'Unconfined' } } }),
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'baseline',
      undefined,
      pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      'baseline',
      'v1.20',
      pod({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }),
      'forbidden sysctls (net.ipv4.tcp_rmem)',
    ],
    [
      'baseline',
      undefined,
      pod({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
      'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'restricted',
      undefined,
      pod(),
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [
      'restricted',
      undefined,
      pod(
        { securityContext: { runAsUser: 0 }, volumes: [{ name: 'n', nfs: { server: 's', path: '/' } }] },
        { securityContext: RESTRICTED },
      ),
      'restricted volume types (volume "n" uses restricted volume type "nfs"), runAsUser=0 (pod must not set runAsUser=0)',
    ],
    [
      'restricted',
      'v1.21',
      pod({}, { securityContext: { ...RESTRICTED, capabilities: { add: ['NET_RAW'] } } }),
      'non-default capabilities (container "c" must not include "NET_RAW" in securityContext.capabilities.add)',
    ],
  ])('%s %s refuses: %j', async (enforce, version, object, detail) => {
    const { request } = await shop(level(enforce, version));
    const { json } = await request('POST', `${NS}/pods`, object);
    expect(json).toMatchObject({
      code: 403,
      message: `pods "web" is forbidden: violates PodSecurity "${enforce}:${version ?? 'latest'}": ${detail}`,
    });
  });

  test('what keeps to the standard is let in, and privileged lets everything in', async () => {
    const strict = await shop(level('restricted'));
    const kept = await strict.request('POST', `${NS}/pods`, pod({}, { securityContext: RESTRICTED }));
    expect(kept.status).toBe(201);
    expect(kept.headers.get('warning')).toBeNull();
    const free = await shop(level('privileged'));
    expect((await free.request('POST', `${NS}/pods`, pod({ hostNetwork: true }))).status).toBe(201);
  });

  test('workloads are warned of, never refused; so are pods where only a warning is asked for', async () => {
    const { request } = await shop(level('baseline'));
    const template = {
      metadata: { labels: { app: 'a' } },
      spec: { containers: [{ name: 'c', image: 'i' }], hostNetwork: true },
    };
    const deployment = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'a' } }, template } };
    const made = await request('POST', '/apis/apps/v1/namespaces/shop/deployments', deployment);
    expect(made.status).toBe(201);
    expect(made.headers.get('warning')).toContain(
      'would violate PodSecurity \\"baseline:latest\\": host namespaces (hostNetwork=true)',
    );
    const lenient = await shop({
      'pod-security.kubernetes.io/warn': 'restricted',
      'pod-security.kubernetes.io/warn-version': 'v1.24',
    });
    const answer = await lenient.request('POST', `${NS}/pods`, pod());
    expect(answer.status).toBe(201);
    expect(answer.headers.get('warning')).toContain('would violate PodSecurity \\"restricted:v1.24\\"');
  });

  test('a namespace that becomes stricter warns of the pods it has; labels that say nothing known are refused', async () => {
    const { request } = await shop();
    for (const name of ['b', 'a']) {
      await request('POST', `${NS}/pods`, {
        metadata: { name },
        spec: { containers: [{ name: 'c', image: 'i' }], hostIPC: true },
      });
    }
    const stricter = await request(
      'PATCH',
      '/api/v1/namespaces/shop',
      { metadata: { labels: level('baseline') } },
      MERGE,
    );
    expect(stricter.status).toBe(200);
    const warnings = stricter.headers.get('warning') ?? '';
    expect(warnings).toContain(
      'existing pods in namespace \\"shop\\" violate the new PodSecurity enforce level \\"baseline:latest\\"',
    );
    expect(warnings).toContain('a (and 1 other pod): host namespaces');
    const bad = { metadata: { labels: { ...level('strict', '1.2'), 'pod-security.kubernetes.io/warn': 'x' } } };
    const { json } = await request('PATCH', '/api/v1/namespaces/shop', bad, MERGE);
    expect(json).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(json.details.causes).toEqual([
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.labels[pod-security.kubernetes.io/enforce]',
        message: 'Invalid value: "strict": must be one of privileged, baseline, restricted',
      },
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.labels[pod-security.kubernetes.io/enforce-version]',
        message: 'Invalid value: "1.2": must be "latest" or "v1.x"',
      },
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.labels[pod-security.kubernetes.io/warn]',
        message: 'Invalid value: "x": must be one of privileged, baseline, restricted',
      },
    ]);
  });
});

describe('classes', () => {
  const claim = {
    metadata: { name: 'c' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };

  test('DefaultStorageClass, StorageObjectInUseProtection and PersistentVolumeClaimResize', async () => {
    const { request, clock } = await shop();
    const storageClass = (name: string, more: object = {}): object => ({
      metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'example.com/p',
      ...more,
    });
    await request('POST', '/apis/storage.k8s.io/v1/storageclasses', storageClass('older'));
    await clock.advance(1_000);
    await request(
      'POST',
      '/apis/storage.k8s.io/v1/storageclasses',
      storageClass('younger', { allowVolumeExpansion: true }),
    );
    const { json } = await request('POST', `${NS}/persistentvolumeclaims`, claim);
    expect(json.spec.storageClassName).toBe('younger');
    expect(json.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    const grow = { spec: { resources: { requests: { storage: '2Gi' } } } };
    const path = `${NS}/persistentvolumeclaims/c`;
    await request('PATCH', `${path}/status`, { status: { phase: 'Bound' } }, MERGE);
    await request('PATCH', path, { spec: { volumeName: 'v' } }, MERGE);
    expect((await request('PATCH', path, grow, MERGE)).status).toBe(200);
    const empty = { ...claim, metadata: { name: 'none' }, spec: { ...claim.spec, storageClassName: '' } };
    expect((await request('POST', `${NS}/persistentvolumeclaims`, empty)).json.spec.storageClassName).toBe('');
  });

  test('DefaultIngressClass', async () => {
    const { request } = await shop();
    const ingresses = '/apis/networking.k8s.io/v1/namespaces/shop/ingresses';
    const ingress = (name: string, annotations = {}): object => ({
      metadata: { name, annotations },
      spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
    });
    expect((await request('POST', ingresses, ingress('a'))).json.spec.ingressClassName).toBeUndefined();
    await request('POST', '/apis/networking.k8s.io/v1/ingressclasses', {
      metadata: { name: 'front', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'example.com/c' },
    });
    expect((await request('POST', ingresses, ingress('b'))).json.spec.ingressClassName).toBe('front');
    const old = await request('POST', ingresses, ingress('c', { 'kubernetes.io/ingress.class': 'x' }));
    expect(old.json.spec.ingressClassName).toBeUndefined();
  });

  test('RuntimeClass: overhead and scheduling', async () => {
    const { request } = await shop();
    await request('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { cpu: '100m', memory: '10Mi' } },
      scheduling: { nodeSelector: { kind: 'metal' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
    const { json } = await request('POST', `${NS}/pods`, pod({ runtimeClassName: 'vm', nodeSelector: { zone: 'a' } }));
    expect(json.spec).toMatchObject({
      overhead: { cpu: '100m', memory: '10Mi' },
      nodeSelector: { kind: 'metal', zone: 'a' },
    });
    expect(json.spec.tolerations).toContainEqual({ key: 'vm', operator: 'Exists' });
    const refused = async (spec: object): Promise<string> =>
      (await request('POST', `${NS}/pods`, pod(spec))).json.message;
    expect(await refused({ runtimeClassName: 'none' })).toBe(
      'pods "web" is forbidden: pod rejected: RuntimeClass "none" not found',
    );
    expect(await refused({ runtimeClassName: 'vm', overhead: { cpu: '1' } })).toBe(
      "pods \"web\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    );
    expect(await refused({ overhead: { cpu: '1' } })).toBe(
      'pods "web" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    );
    expect(await refused({ runtimeClassName: 'vm', nodeSelector: { kind: 'x' } })).toBe(
      'pods "web" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[kind] = metal; pod.spec.nodeSelector[kind] = x',
    );
  });
});
