import { beforeAll, describe, expect, it } from 'vitest';
import { cronJob, daemonSet, deployment, job, pod, replicationController, service, statefulSet } from './manifests.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';

/** The lines of a description with their columns squeezed: `Replicas: 2 desired | …`. */
const squeeze = (text: string): string[] => text.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));

describe.concurrent('kubectl describe', () => {
  let scene: Scene;
  const describeOf = async (...args: string[]): Promise<string[]> =>
    squeeze(await scene.kubectl.ok(['describe', ...args]));

  beforeAll(async () => {
    if (!cluster.isStarted) return;
    scene = await cluster.scene('describe');
    const { kubectl } = scene;
    await kubectl.apply(
      deployment('web', {
        replicas: 2,
        podSpec: {
          containers: [
            {
              name: 'main',
              image: 'nginx:1.27',
              ports: [{ containerPort: 8080, name: 'http' }],
              env: [
                { name: 'A', value: '1' },
                { name: 'KEY', valueFrom: { secretKeyRef: { name: 'secret', key: 'password' } } },
              ],
              resources: { requests: { cpu: '100m', memory: '32Mi' }, limits: { memory: '64Mi' } },
              readinessProbe: { httpGet: { path: '/', port: 'http' } },
            },
          ],
        },
      }),
      service('web', { ports: [{ name: 'http', port: 80, targetPort: 'http' }] }),
      statefulSet('db'),
      daemonSet('agent'),
      replicationController('old', { replicas: 2 }),
      job('once'),
      cronJob('tick', '*/5 * * * *', { spec: { timeZone: 'Europe/Berlin', concurrencyPolicy: 'Forbid' } }),
      pod('broken', { annotations: { 'simulated.zeroplane.dev/pull': 'error' } }),
    );
    await kubectl.ok(['create', 'secret', 'generic', 'secret', '--from-literal=password=s3cr3t']);
    await kubectl.ok(['create', 'configmap', 'config', '--from-literal=color=blue']);
    await kubectl.ok(['create', 'pdb', 'web', '--selector=app=web', '--min-available=1']);
    await kubectl.ok(['create', 'role', 'reader', '--verb=get', '--resource=pods']);
    await kubectl.ok(['create', 'quota', 'limits', '--hard=pods=10']);
    for (const workload of ['deployment/web', 'statefulset/db', 'daemonset/agent']) {
      await kubectl.ok(['rollout', 'status', workload, TIMEOUT]);
    }
    await kubectl.ok(['wait', '--for=condition=complete', 'job/once', TIMEOUT]);
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=2', 'rc/old', TIMEOUT]);
  });

  it('row 161: pod, with its events', async () => {
    await eventually(async () => {
      const lines = await describeOf('pods', '-l', 'app=web');
      expect(lines).toEqual(
        expect.arrayContaining([
          `Namespace: ${scene.namespace}`,
          'Priority: 0',
          'Service Account: default',
          'Status: Running',
        ]),
      );
      expect(lines.filter((line) => line.startsWith('Controlled By: ReplicaSet/web-'))).toHaveLength(2);
      expect(lines).toEqual(
        expect.arrayContaining([
          'Image: nginx:1.27',
          'Port: 8080/TCP (http)',
          'State: Running',
          'Ready: True',
          'Restart Count: 0',
        ]),
      );
      expect(lines).toEqual(
        expect.arrayContaining([
          'A: 1',
          "KEY: <set to the key 'password' in secret 'secret'> Optional: false",
          'QoS Class: Burstable',
        ]),
      );
      expect(
        lines.some((line) =>
          /^Readiness: http-get http:\/\/:http\/ delay=0s timeout=1s period=10s #success=1 #failure=3$/.test(line),
        ),
      ).toBe(true);
      expect(
        lines.some((line) =>
          /^\/var\/run\/secrets\/kubernetes\.io\/serviceaccount from kube-api-access-\w+ \(ro\)$/.test(line),
        ),
      ).toBe(true);
      expect(lines).toEqual(
        expect.arrayContaining([
          'Type: Projected (a volume that contains injected data from multiple sources)',
          'TokenExpirationSeconds: 3607',
          'ConfigMapName: kube-root-ca.crt',
        ]),
      );
      expect(lines).toContain('Tolerations: node.kubernetes.io/not-ready:NoExecute op=Exists for 10s');
      expect(
        lines.some((line) =>
          /^Normal Scheduled \S+ default-scheduler Successfully assigned \S+\/web-\S+ to node-[12]$/.test(line),
        ),
      ).toBe(true);
      expect(lines.some((line) => /^Normal Started \S+ kubelet Container started$/.test(line))).toBe(true);
    });
  });

  it('a pod in trouble says why', async () => {
    await eventually(async () => {
      const lines = await describeOf('pod', 'broken');
      expect(lines).toEqual(expect.arrayContaining(['Status: Pending', 'State: Waiting']));
      expect(lines.some((line) => /^Reason: (ErrImagePull|ImagePullBackOff)$/.test(line))).toBe(true);
      expect(lines.some((line) => /^Warning Failed .*kubelet .*ErrImagePull/.test(line))).toBe(true);
    });
    expect(await scene.kubectl.ok(['get', 'pod', 'broken', '--no-headers'])).toMatch(
      /^broken +0\/1 +(ErrImagePull|ImagePullBackOff) +0 /,
    );
  });

  it('deployment, replica set, replication controller', async () => {
    const lines = await describeOf('deployment', 'web');
    expect(lines).toEqual(
      expect.arrayContaining([
        'Selector: app=web',
        'Replicas: 2 desired | 2 updated | 2 total | 2 available | 0 unavailable',
        'StrategyType: RollingUpdate',
        'RollingUpdateStrategy: 25% max unavailable, 25% max surge',
        'Available True MinimumReplicasAvailable',
        'Progressing True NewReplicaSetAvailable',
        'OldReplicaSets: <none>',
      ]),
    );
    expect(lines.some((line) => /^NewReplicaSet: web-\S+ \(2\/2 replicas created\)$/.test(line))).toBe(true);
    const set = await describeOf('replicasets', '-l', 'app=web');
    expect(set).toEqual(
      expect.arrayContaining([
        'Controlled By: Deployment/web',
        'Replicas: 2 current / 2 desired',
        'Pods Status: 2 Running / 0 Waiting / 0 Succeeded / 0 Failed',
      ]),
    );
    await eventually(async () =>
      expect(
        (await describeOf('rs', '-l', 'app=web')).some((line) =>
          /^Normal SuccessfulCreate \S+ replicaset-controller Created pod: web-/.test(line),
        ),
      ).toBe(true),
    );
    const rc = await describeOf('rc', 'old');
    expect(rc).toEqual(expect.arrayContaining(['Replicas: 2 current / 2 desired', 'Selector: app=old']));
    await eventually(async () =>
      expect(
        (await describeOf('rc', 'old')).some((line) =>
          /^Normal SuccessfulCreate \S+ replication-controller Created pod: old-/.test(line),
        ),
      ).toBe(true),
    );
  });

  it('stateful set and daemon set', async () => {
    const db = await describeOf('statefulset', 'db');
    expect(db).toEqual(
      expect.arrayContaining(['Replicas: 1 desired | 1 total', 'Update Strategy: RollingUpdate', 'Partition: 0']),
    );
    await eventually(async () =>
      expect(
        (await describeOf('statefulset', 'db')).some((line) =>
          /^Normal SuccessfulCreate \S+ statefulset-controller create Pod db-0 in StatefulSet db successful$/.test(
            line,
          ),
        ),
      ).toBe(true),
    );
    const agent = await describeOf('daemonset', 'agent');
    expect(agent).toEqual(
      expect.arrayContaining([
        'Desired Number of Nodes Scheduled: 2',
        'Number of Nodes Scheduled with Available Pods: 2',
        'Number of Nodes Misscheduled: 0',
      ]),
    );
  });

  it('job and cron job', async () => {
    const once = await describeOf('job', 'once');
    expect(once).toEqual(
      expect.arrayContaining(['Parallelism: 1', 'Completions: 1', 'Completion Mode: NonIndexed', 'Backoff Limit: 6']),
    );
    expect(once.some((line) => /^Pods Statuses: 0 Active \(0 Ready\) \/ 1 Succeeded \/ 0 Failed$/.test(line))).toBe(
      true,
    );
    await eventually(async () => {
      const lines = await describeOf('job', 'once');
      expect(lines.some((line) => /^Normal SuccessfulCreate \S+ job-controller Created pod: once-/.test(line))).toBe(
        true,
      );
      expect(lines.some((line) => /^Normal Completed \S+ job-controller Job completed$/.test(line))).toBe(true);
    });
    const tick = await describeOf('cronjob', 'tick');
    expect(tick).toEqual(
      expect.arrayContaining([
        'Schedule: */5 * * * *',
        'Concurrency Policy: Forbid',
        'Suspend: False',
        'Successful Job History Limit: 3',
        'Last Schedule Time: <unset>',
      ]),
    );
  });

  it('service, endpoints and endpoint slices', async () => {
    const addresses = await eventually(async () => {
      const list = (await scene.kubectl.path(['get', 'pods', '-l', 'app=web'], '{.items[*].status.podIP}'))
        .split(' ')
        .sort();
      const lines = await describeOf('service', 'web');
      const endpoints = lines
        .find((line) => line.startsWith('Endpoints: '))
        ?.slice(11)
        .split(',')
        .sort();
      expect(endpoints).toEqual(list.map((address) => `${address}:8080`));
      return list;
    });
    const lines = await describeOf('service', 'web');
    expect(lines).toEqual(
      expect.arrayContaining([
        'Selector: app=web',
        'Type: ClusterIP',
        'Port: http 80/TCP',
        'TargetPort: http/TCP',
        'Session Affinity: None',
        'Internal Traffic Policy: Cluster',
      ]),
    );
    expect((await describeOf('endpoints', 'web')).join('\n')).toContain('http 8080 TCP');
    const slices = (await describeOf('endpointslices', '-l', 'kubernetes.io/service-name=web')).join('\n');
    for (const address of addresses) expect(slices).toContain(`Addresses: ${address}\nConditions:\nReady: true`);
    expect(slices).toMatch(/TargetRef: Pod\/web-\S+/);
  });

  it('node, with its pods and resources', async () => {
    const lines = await describeOf('node', 'node-1');
    expect(lines).toEqual(
      expect.arrayContaining([
        'Name: node-1',
        'Taints: <none>',
        'Unschedulable: false',
        'PodCIDR: 10.244.0.0/24',
        'cpu: 32',
        'pods: 110',
        'Kubelet Version: v1.36.0',
        'Operating System: linux',
        'Architecture: amd64',
      ]),
    );
    expect(lines.some((line) => /^Ready True .*KubeletReady/.test(line))).toBe(true);
    expect(lines.some((line) => line.startsWith('MemoryPressure False '))).toBe(true);
    expect(lines.some((line) => /^InternalIP: 198\.18\.0\.1$/.test(line))).toBe(true);
    expect(lines.some((line) => new RegExp(`^${scene.namespace} agent-\\S+ 0 \\(0%\\) `).test(line))).toBe(true);
    expect(lines.some((line) => /^cpu \d+m? \(0%\)/.test(line))).toBe(true);
    expect(lines.some((line) => line.startsWith('HolderIdentity: node-1'))).toBe(true);
  });

  it('namespace, service account, secret, config map, budget, role, quota', async () => {
    const namespace = await describeOf('namespace', scene.namespace);
    expect(namespace).toEqual(
      expect.arrayContaining([
        `Labels: kubernetes.io/metadata.name=${scene.namespace}`,
        'Status: Active',
        'Name: limits',
      ]),
    );
    expect(await describeOf('serviceaccount', 'default')).toEqual(
      expect.arrayContaining(['Name: default', 'Image pull secrets: <none>']),
    );
    const secret = await describeOf('secret', 'secret');
    expect(secret).toEqual(expect.arrayContaining(['Type: Opaque', 'password: 6 bytes']));
    expect(secret.join('\n')).not.toContain('s3cr3t');
    expect((await describeOf('configmap', 'config')).join('\n')).toContain('color:\n----\nblue');
    await eventually(async () =>
      expect(await describeOf('pdb', 'web')).toEqual(
        expect.arrayContaining([
          'Min available: 1',
          'Selector: app=web',
          'Allowed disruptions: 1',
          'Current: 2',
          'Desired: 1',
          'Total: 2',
        ]),
      ),
    );
    expect((await describeOf('role', 'reader')).join('\n')).toContain('pods [] [] [get]');
    expect(await describeOf('priorityclass', 'system-node-critical')).toEqual(
      expect.arrayContaining(['Value: 2000001000', 'GlobalDefault: false']),
    );
  });

  it('by prefix, of several, of none', async () => {
    expect((await describeOf('pod', 'db')).filter((line) => line.startsWith('Name: db-0'))).toHaveLength(1);
    expect((await describeOf('deploy/web', 'svc/web')).filter((line) => line === 'Name: web')).toHaveLength(2);
    expect(await scene.kubectl.fails(['describe', 'pod', 'nobody'])).toBe(
      'Error from server (NotFound): pods "nobody" not found\n',
    );
  });
});
