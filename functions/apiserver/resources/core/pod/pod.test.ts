import { describe, expect, test } from 'vitest';
import type { V1Container, V1Pod, V1PodSpec, V1PodStatus } from '../../../../../lib/schema/generated/types.js';
import { kindTester } from '../../testing/kind-tester.js';
import { pod } from './pod.js';

const tester = kindTester<V1Pod>(pod);

const CONTAINER: V1Container = { name: 'web', image: 'nginx:1.27' };

function podOf(spec: Partial<V1PodSpec> = {}, more: Partial<V1Pod> = {}): V1Pod {
  return { metadata: { name: 'web', namespace: 'default' }, spec: { containers: [CONTAINER], ...spec }, ...more };
}

function errorsOf(spec: object): string[] {
  return tester.createErrors(podOf(spec as Partial<V1PodSpec>));
}

function errorsOfContainer(container: object): string[] {
  return errorsOf({ containers: [{ ...CONTAINER, ...container }] });
}

describe('defaults', () => {
  test('of the pod and its containers', () => {
    const { spec, status } = tester.create(
      podOf({
        containers: [
          {
            name: 'web',
            image: 'registry:5000/nginx',
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { port: 80 } },
            resources: { limits: { cpu: '1000m' } },
          },
        ],
      }),
    );
    expect(spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      securityContext: {},
      enableServiceLinks: true,
    });
    expect(spec?.containers[0]).toMatchObject({
      imagePullPolicy: 'Always',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      readinessProbe: {
        httpGet: { path: '/', scheme: 'HTTP', port: 80 },
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
      resources: { requests: { cpu: '1' }, limits: { cpu: '1' } },
    });
    expect(status).toEqual({ phase: 'Pending', qosClass: 'Burstable' });
  });

  test.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['localhost:5000/nginx', 'Always'],
    ['nginx:1.27', 'IfNotPresent'],
    ['nginx@sha256:0000', 'IfNotPresent'],
  ])('image %s is pulled %s', (image, policy) => {
    expect(tester.create(podOf({ containers: [{ name: 'a', image }] })).spec?.containers[0]?.imagePullPolicy).toBe(
      policy,
    );
  });

  test('of volumes and of ports on the host network', () => {
    const { spec } = tester.create(
      podOf({
        hostNetwork: true,
        containers: [{ ...CONTAINER, ports: [{ containerPort: 80 }] }],
        volumes: [
          { name: 'empty' },
          { name: 'secret', secret: { secretName: 's' } },
          { name: 'host', hostPath: { path: '/var' } },
          { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
        ],
      }),
    );
    expect(spec?.containers[0]?.ports?.[0]?.hostPort).toBe(80);
    expect(spec?.volumes).toEqual([
      { name: 'empty', emptyDir: {} },
      { name: 'secret', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'host', hostPath: { path: '/var', type: '' } },
      {
        name: 'token',
        projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3600 } }] },
      },
    ]);
  });

  test('of the resources of a pod as a whole', () => {
    const containers = [
      { name: 'a', image: 'x', resources: { requests: { cpu: '500m' } } },
      { name: 'b', image: 'x', resources: { requests: { cpu: '250m' } } },
    ];
    const { spec } = tester.create(podOf({ containers, resources: { limits: { cpu: '1', memory: '1Gi' } } }));
    expect(spec?.resources?.requests).toEqual({ cpu: '750m', memory: '1Gi' });
    expect(errorsOf({ containers, resources: { requests: { cpu: '500m' } } })).toEqual([
      'spec.resources.requests[cpu]: Invalid value: "500m": must be greater than or equal to aggregate container requests of 750m',
    ]);
  });

  test('the deprecated name of the service account follows the other', () => {
    expect(tester.create(podOf({ serviceAccount: 'robot' })).spec).toMatchObject({
      serviceAccount: 'robot',
      serviceAccountName: 'robot',
    });
  });

  test('a gated pod says so from the start', () => {
    const { status } = tester.create(podOf({ schedulingGates: [{ name: 'example.com/wait' }] }));
    expect(status?.conditions).toEqual([
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ]);
  });
});

describe('quality of service', () => {
  test.each([
    [{}, 'BestEffort'],
    [{ requests: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }, 'Burstable'],
  ])('%j is %s', (resources, qosClass) => {
    expect(tester.create(podOf({ containers: [{ ...CONTAINER, resources }] })).status?.qosClass).toBe(qosClass);
  });
});

describe('validation', () => {
  test('a plain pod is valid', () => {
    expect(errorsOf({})).toEqual([]);
  });

  test('containers are needed, named and unique', () => {
    expect(errorsOf({ containers: [] })).toEqual(['spec.containers: Required value']);
    expect(errorsOfContainer({ image: '' })).toEqual(['spec.containers[0].image: Required value']);
    expect(errorsOfContainer({ name: '' })).toEqual(['spec.containers[0].name: Required value']);
    expect(errorsOf({ containers: [CONTAINER, CONTAINER] })).toEqual([
      'spec.containers[1].name: Duplicate value: "web"',
    ]);
    expect(errorsOf({ initContainers: [CONTAINER] })).toEqual(['spec.initContainers[0].name: Duplicate value: "web"']);
    expect(errorsOfContainer({ image: ' nginx' })).toEqual([
      'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace',
    ]);
    expect(errorsOfContainer({ name: 'Web' })[0]).toContain(
      'spec.containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label must consist of',
    );
  });

  test('requests do not exceed limits', () => {
    expect(errorsOfContainer({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } })).toEqual([
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ]);
    expect(errorsOfContainer({ resources: { requests: { 'example.com/gpu': '1' } } })).toEqual([
      'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
    ]);
    expect(errorsOfContainer({ resources: { limits: { 'example.com/gpu': '500m' } } })).toContain(
      'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
    );
    expect(errorsOfContainer({ resources: { limits: { gpu: '1' } } })).toContain(
      'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    );
    expect(errorsOfContainer({ resources: { limits: { cpu: '-1' } } })).toContain(
      'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    );
  });

  test('ports', () => {
    expect(errorsOfContainer({ ports: [{ containerPort: 70000 }] })).toEqual([
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ]);
    expect(
      errorsOfContainer({
        ports: [
          { name: 'http', containerPort: 80, hostPort: 80 },
          { name: 'http', containerPort: 81, hostPort: 80 },
        ],
      }),
    ).toEqual([
      'spec.containers[0].ports[1].name: Duplicate value: "http"',
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"',
    ]);
    expect(
      errorsOf({ hostNetwork: true, containers: [{ ...CONTAINER, ports: [{ containerPort: 80, hostPort: 81 }] }] }),
    ).toEqual([
      'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
    ]);
  });

  test('environment', () => {
    expect(errorsOfContainer({ env: [{ value: 'x' }] })).toEqual(['spec.containers[0].env[0].name: Required value']);
    expect(errorsOfContainer({ env: [{ name: 'a=b' }] })).toEqual([
      'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
    ]);
    expect(
      errorsOfContainer({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    ).toEqual([
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ]);
    expect(
      errorsOfContainer({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.nope' } } }] }),
    ).toEqual([
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.nope": error converting fieldPath: field label not supported: metadata.nope',
    ]);
    expect(
      errorsOfContainer({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }] }),
    ).toEqual([]);
    expect(errorsOfContainer({ envFrom: [{}] })).toEqual([
      'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    ]);
  });

  test('volumes and mounts', () => {
    expect(errorsOfContainer({ volumeMounts: [{ name: 'data', mountPath: '/data' }] })).toEqual([
      'spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ]);
    const volumes = [{ name: 'data', emptyDir: {} }];
    const mounts = [
      { name: 'data', mountPath: '/data' },
      { name: 'data', mountPath: '/data', subPath: '../up' },
    ];
    expect(errorsOf({ volumes, containers: [{ ...CONTAINER, volumeMounts: mounts }] })).toEqual([
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/data": must be unique',
      'spec.containers[0].volumeMounts.subPath: Invalid value: "../up": must not contain \'..\'',
    ]);
    expect(errorsOf({ volumes: [...volumes, ...volumes] })).toEqual(['spec.volumes[1].name: Duplicate value: "data"']);
    expect(errorsOf({ volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/x' } }] })).toEqual([
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
    ]);
    expect(errorsOf({ volumes: [{ name: 'a', secret: {} }] })).toEqual([
      'spec.volumes[0].secret.secretName: Required value',
    ]);
  });

  test('probes and hooks', () => {
    expect(errorsOfContainer({ livenessProbe: {} })).toEqual([
      'spec.containers[0].livenessProbe: Required value: must specify a handler type',
    ]);
    expect(errorsOfContainer({ livenessProbe: { exec: { command: ['x'] }, successThreshold: 2 } })).toEqual([
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ]);
    expect(errorsOfContainer({ readinessProbe: { httpGet: { port: 'not a name' } } })[0]).toContain(
      'spec.containers[0].readinessProbe.httpGet.port: Invalid value: "not a name": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    );
    expect(errorsOfContainer({ startupProbe: { tcpSocket: { port: 1 }, grpc: { port: 2 } } })).toEqual([
      'spec.containers[0].startupProbe.grpc: Forbidden: may not specify more than 1 handler type',
    ]);
    expect(errorsOfContainer({ lifecycle: { preStop: { sleep: { seconds: 31 } } } })).toEqual([
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)',
    ]);
    expect(
      errorsOf({ initContainers: [{ name: 'init', image: 'x', livenessProbe: { exec: { command: ['x'] } } }] }),
    ).toEqual([
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ]);
  });

  test('policies', () => {
    expect(errorsOf({ restartPolicy: 'Sometimes' })).toEqual([
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ]);
    expect(errorsOf({ dnsPolicy: 'None' })).toEqual([
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
    ]);
    expect(errorsOf({ activeDeadlineSeconds: 0 })).toEqual([
      'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
    ]);
  });

  test('where to run', () => {
    expect(errorsOf({ tolerations: [{ operator: 'Equal', value: 'x' }] })).toEqual([
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ]);
    expect(errorsOf({ tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 1 }] })).toEqual([
      'spec.tolerations[0].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    ]);
    expect(
      errorsOf({
        topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
      }),
    ).toEqual(['spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than 0']);
    const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }] };
    expect(
      errorsOf({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } }),
    ).toEqual([
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ]);
    expect(errorsOf({ nodeName: 'n1', schedulingGates: [{ name: 'a.b/c' }] })).toEqual([
      'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
    ]);
  });

  test('security', () => {
    expect(errorsOfContainer({ securityContext: { privileged: true, allowPrivilegeEscalation: false } })[0]).toContain(
      'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    );
    expect(errorsOf({ securityContext: { runAsUser: -1 } })).toEqual([
      'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ]);
    expect(errorsOf({ hostUsers: false, hostPID: true })).toEqual([
      'spec.hostPID: Forbidden: when `hostUsers` is false',
    ]);
    expect(errorsOf({ ephemeralContainers: [{ name: 'debug', image: 'x' }] })).toEqual([
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
    ]);
  });
});

describe('updates', () => {
  const old = tester.create(podOf({ tolerations: [{ key: 'a', operator: 'Exists' }] }));

  test('images, deadlines and further tolerations may change', () => {
    const changed = structuredClone(old);
    changed.spec!.containers[0]!.image = 'nginx:1.28';
    changed.spec!.activeDeadlineSeconds = 60;
    changed.spec!.tolerations!.push({ key: 'b', operator: 'Exists' });
    expect(tester.updateErrors(changed, old)).toEqual([]);
  });

  test('anything else is refused with the difference', () => {
    const changed = structuredClone(old);
    changed.spec!.containers[0]!.command = ['sleep'];
    const [error] = tester.updateErrors(changed, old);
    expect(error).toContain(
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n',
    );
    expect(error).toContain('+   "command": [');
  });

  test('tolerations are not taken away, containers neither', () => {
    expect(tester.updateErrors({ ...old, spec: { ...old.spec, tolerations: [] } }, old)).toEqual([
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ]);
    const more = { ...old, spec: { ...old.spec, containers: [...old.spec!.containers, { name: 'x', image: 'y' }] } };
    expect(tester.updateErrors(more, old)).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
  });

  test('scheduling gates only go, and meanwhile placement narrows', () => {
    const gated = tester.create(podOf({ schedulingGates: [{ name: 'a.b/c' }] }));
    const added = structuredClone(gated);
    added.spec!.schedulingGates!.push({ name: 'd.e/f' });
    expect(tester.updateErrors(added, gated)).toEqual([
      "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'd.e/f'",
    ]);
    const narrowed = structuredClone(gated);
    narrowed.spec!.nodeSelector = { zone: 'a' };
    delete narrowed.spec!.schedulingGates;
    expect(tester.updateErrors(narrowed, gated)).toEqual([]);
  });

  test('ephemeral containers are added through their subresource alone', () => {
    const changed = structuredClone(old);
    changed.spec!.ephemeralContainers = [{ name: 'debug', image: 'busybox:1' }];
    changed.spec!.containers[0]!.image = 'other:1';
    const updated = tester.update(changed, old, 'ephemeralcontainers');
    expect(updated.spec?.containers[0]?.image).toBe('nginx:1.27');
    expect(updated.spec?.ephemeralContainers?.[0]).toMatchObject({ name: 'debug', imagePullPolicy: 'IfNotPresent' });
    expect(tester.updateErrors(changed, old, 'ephemeralcontainers')).toEqual([]);
    expect(tester.updateErrors(old, updated, 'ephemeralcontainers')).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
    ]);
  });

  test('resize changes cpu and memory, but not the quality of service', () => {
    const sized = tester.create(podOf({ containers: [{ ...CONTAINER, resources: { requests: { cpu: '1' } } }] }));
    const larger = structuredClone(sized);
    larger.spec!.containers[0]!.resources = { requests: { cpu: '2' } };
    expect(tester.updateErrors(larger, sized, 'resize')).toEqual([]);
    expect(tester.update(larger, sized, 'resize').spec?.containers[0]?.resources?.requests).toEqual({ cpu: '2' });
    const removed = structuredClone(sized);
    removed.spec!.containers[0]!.resources = {};
    expect(tester.updateErrors(removed, sized, 'resize')).toContain(
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    );
  });

  test('containers that ended for good stay ended', () => {
    const status = (state: object): V1PodStatus =>
      ({
        containerStatuses: [{ name: 'web', ready: false, restartCount: 0, image: '', imageID: '', state }],
      }) as V1PodStatus;
    const never = tester.create(podOf({ restartPolicy: 'Never' }));
    const ended = { ...never, status: status({ terminated: { exitCode: 1 } }) };
    expect(tester.updateErrors({ ...never, status: status({ running: {} }) }, ended, 'status')).toEqual([
      'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
    ]);
    expect(tester.update({ ...never, status: { phase: 'Running' } }, never, 'status').status?.qosClass).toBe(
      'BestEffort',
    );
  });
});

describe('graceful deletion', () => {
  const grace = (spec: object, asked?: number, phase = 'Running'): number =>
    pod.graceful!.gracePeriodSeconds(tester.decode({ ...podOf(spec), status: { phase } }), asked);

  test.each([
    [{ nodeName: 'n1' }, undefined, 30],
    [{ nodeName: 'n1' }, 5, 5],
    [{ nodeName: 'n1' }, 0, 0],
    [{ nodeName: 'n1', terminationGracePeriodSeconds: 7 }, undefined, 7],
    [{ nodeName: 'n1', terminationGracePeriodSeconds: -1 }, undefined, 1],
    [{}, undefined, 0],
  ])('%j asked %s: %i s', (spec, asked, seconds) => {
    expect(grace(spec, asked)).toBe(seconds);
  });

  test('finished pods go at once', () => {
    expect(grace({ nodeName: 'n1' }, 30, 'Succeeded')).toBe(0);
  });
});

describe('warnings', () => {
  test('of variables that hide others, and of names that are no host names', () => {
    const env = [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
    ];
    expect(tester.warnings(podOf({ containers: [{ ...CONTAINER, env }] }))).toEqual([
      'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    ]);
    expect(tester.warnings(podOf({}, { metadata: { name: 'a.b' } }))).toEqual([
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    ]);
  });
});

test('field labels', () => {
  const labels = pod.fieldLabels!;
  const object = tester.decode({
    ...podOf({ nodeName: 'n1', hostNetwork: true }),
    status: { phase: 'Running', podIP: '10.0.0.1' },
  });
  expect(Object.fromEntries(Object.entries(labels).map(([name, read]) => [name, read(object)]))).toMatchObject({
    'spec.nodeName': 'n1',
    'spec.hostNetwork': 'true',
    'spec.restartPolicy': 'Always',
    'status.phase': 'Running',
    'status.podIP': '10.0.0.1',
    'status.nominatedNodeName': '',
  });
});
