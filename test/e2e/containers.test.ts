import { describe, expect, it } from 'vitest';
import { pods } from '../../lib/client/resources.js';
import { eventually } from '../support/eventually.js';
import { outputOf, shellPod, useRealCluster } from '../support/real-cluster.js';

const cluster = useRealCluster({ range: 201 });

describe.concurrent('containers on a real machine', () => {
  it('row 248: what a container prints is in its log', async () => {
    const { kubectl } = await cluster.scene('containers');
    expect(await outputOf(kubectl, shellPod('hello', 'echo hello from $HOSTNAME'))).toBe('hello from hello\n');
  });

  it('row 241: name, namespace, address and uid reach a container as variables', async () => {
    const { kubectl, client, namespace } = await cluster.scene('containers');
    const env = ['metadata.name', 'metadata.namespace', 'status.podIP', 'status.hostIP', 'metadata.uid'].map(
      (fieldPath, index) => ({ name: `V${index}`, valueFrom: { fieldRef: { fieldPath } } }),
    );
    const text = await outputOf(kubectl, shellPod('facts', 'echo $V0 $V1 $V2 $V3 $V4', { container: { env } }));
    const pod = await client.get(pods, { namespace, name: 'facts' });
    expect(text.trim().split(' ')).toEqual([
      'facts',
      namespace,
      pod.status?.podIP,
      pod.status?.hostIP,
      pod.metadata?.uid,
    ]);
    expect(pod.status?.podIP).toMatch(/^10\.201\.0\./);
  });

  it('row 153: token, CA and namespace of the service account are where programs look for them', async () => {
    const { kubectl, namespace } = await cluster.scene('containers');
    const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
    const text = await outputOf(
      kubectl,
      shellPod('token', `cat ${folder}/namespace; echo; head -1 ${folder}/ca.crt; cut -d. -f2 ${folder}/token`),
    );
    const [told, ca, claims = ''] = text.split('\n');
    expect(told).toBe(namespace);
    expect(ca).toBe('-----BEGIN CERTIFICATE-----');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      sub: `system:serviceaccount:${namespace}:default`,
      'kubernetes.io': { pod: { name: 'token' } },
    });
  });

  it('row 232: a container that fails is restarted, counted, and says how it ended', async () => {
    const { kubectl, client, namespace } = await cluster.scene('containers');
    await kubectl.apply(
      shellPod('crash', 'echo last words >/dev/termination-log; exit 3', { spec: { restartPolicy: 'Always' } }),
    );
    await eventually(async () => {
      const status = (await client.get(pods, { namespace, name: 'crash' })).status?.containerStatuses?.[0];
      expect(status?.restartCount).toBe(1);
      expect(status?.state?.waiting?.reason).toBe('CrashLoopBackOff');
      expect(status?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error', message: 'last words\n' });
    });
  });

  it('a container killed from outside is restarted, and counted with the right reason', async () => {
    const { kubectl, client, namespace } = await cluster.scene('containers');
    await kubectl.apply(shellPod('killed', 'while true; do sleep 1; done', { spec: { restartPolicy: 'Always' } }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/killed', '--timeout=40s']);
    const status = async () => (await client.get(pods, { namespace, name: 'killed' })).status?.containerStatuses?.[0];
    const first = await status();
    cluster.containerd.killContainer(first?.containerID?.split('//')[1] ?? '');
    await eventually(async () => {
      const next = await status();
      expect(next).toMatchObject({ ready: true, restartCount: 1, state: { running: {} } });
      expect(next?.containerID).not.toBe(first?.containerID);
      expect(next?.lastState?.terminated).toMatchObject({
        exitCode: 137,
        reason: 'Error',
        containerID: first?.containerID,
        startedAt: first?.state?.running?.startedAt,
      });
    }, 40_000);
    expect(await kubectl.ok(['get', 'pod', 'killed', '--no-headers'])).toMatch(/^killed +1\/1 +Running +1 \(/);
  });

  it('the end of a pod ends its containers and leaves no sandbox behind', async () => {
    const { kubectl } = await cluster.scene('containers');
    await kubectl.apply(shellPod('runs', 'trap "exit 0" TERM; while true; do sleep 1; done'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/runs', '--timeout=30s']);
    await kubectl.ok(['delete', 'pod', 'runs', '--timeout=30s']);
  });
});
