import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { pods } from '../../lib/client/resources.js';
import { programFiles } from '../support/container-image.js';
import { eventually } from '../support/eventually.js';
import { whyNoContainers } from '../support/containerd.js';
import { outputOf, shellPod, useRealCluster } from '../support/real-cluster.js';

const CURL = 'localhost/curl:test';

const cluster = useRealCluster({
  range: 204,
  // busybox knows no TLS.
  images: whyNoContainers() === undefined ? [{ name: CURL, files: programFiles('/usr/bin/curl') }] : [],
});

/** A web server that says its pod's name, and goes on serving for a moment after it is told to end. */
const SERVE = (text: string) =>
  `mkdir -p /www; echo ${text} >/www/index.html; trap "sleep 2; exit 0" TERM; httpd -f -p 8080 -h /www & wait`;

const web = (name: string, replicas: number, text = '$HOSTNAME') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 5,
        containers: [
          {
            name: 'web',
            image: 'localhost/busybox:test',
            command: ['sh', '-c', SERVE(text)],
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' }] },
});

/** One request on a connection of its own. */
function get(host: string, port = 80): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, agent: false, timeout: 5_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => (response.statusCode === 200 ? resolve(body.trim()) : reject(new Error(body))));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}

describe.concurrent('real containers behind services', () => {
  it('rows 132, 216: a service answers from the node and by name from a pod, and follows its pods', async () => {
    const { kubectl, client, namespace } = await cluster.scene('services');
    await kubectl.apply(web('web', 3), service('web'));
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    const ip = await kubectl.path(['get', 'service', 'web'], '{.spec.clusterIP}');
    const names = async (): Promise<string[]> =>
      (await client.list(pods, { namespace, labelSelector: 'app=web' })).items
        .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
        .map(({ metadata }) => metadata?.name ?? '')
        .sort();
    const answering = async (): Promise<string[]> => {
      const seen = new Set<string>();
      for (let count = 0; count < 60; count++) seen.add(await get(ip));
      return [...seen].sort();
    };
    await eventually(async () => expect(await answering()).toEqual(await names()));
    expect(await names()).toHaveLength(3);
    const script = `for n in web web.${namespace} web.${namespace}.svc.cluster.local; do wget -qO- http://$n/; done`;
    const told = await outputOf(kubectl, shellPod('asks', script));
    for (const line of told.trim().split('\n')) expect(await names()).toContain(line);
    await kubectl.ok(['scale', 'deployment/web', '--replicas=5']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    await eventually(async () => expect(await answering()).toEqual(await names()));
    expect(await names()).toHaveLength(5);
    await kubectl.ok(['scale', 'deployment/web', '--replicas=3']);
    await eventually(async () => {
      expect(await names()).toHaveLength(3);
      expect(await answering()).toEqual(await names());
    });
  });

  it('a rolling update and its undoing fail no request under load', async () => {
    const { kubectl } = await cluster.scene('services');
    await kubectl.apply(web('rolls', 2, 'old'), service('rolls'));
    await kubectl.ok(['rollout', 'status', 'deployment/rolls', '--timeout=60s']);
    const ip = await kubectl.path(['get', 'service', 'rolls'], '{.spec.clusterIP}');
    await eventually(() => get(ip));
    const answers = new Map<string, number>();
    let isOver = false;
    const ask = async (): Promise<void> => {
      while (!isOver) {
        const answer = await get(ip);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const load = Promise.all([ask(), ask(), ask()]);
    await kubectl.apply(web('rolls', 2, 'new'));
    await kubectl.ok(['rollout', 'status', 'deployment/rolls', '--timeout=80s']);
    await eventually(async () => expect(await get(ip)).toBe('new'));
    expect([...answers.keys()].sort()).toEqual(['new', 'old']);
    answers.clear();
    expect(await kubectl.ok(['rollout', 'undo', 'deployment/rolls'])).toBe('deployment.apps/rolls rolled back\n');
    await kubectl.ok(['rollout', 'status', 'deployment/rolls', '--timeout=80s']);
    await eventually(async () => expect(await get(ip)).toBe('old'));
    isOver = true;
    await load;
    expect([...answers.keys()].sort()).toEqual(['new', 'old']);
  });

  it('a pod reaches itself through its service', async () => {
    const { kubectl } = await cluster.scene('services');
    await kubectl.apply(service('self'));
    const ip = await kubectl.path(['get', 'service', 'self'], '{.spec.clusterIP}');
    const script = `echo me >/www/index.html; httpd -p 8080 -h /www; until timeout 2 wget -qO- http://${ip}/; do sleep 0.2; done`;
    const container = { ports: [{ name: 'http', containerPort: 8080 }] };
    expect(
      await outputOf(kubectl, shellPod('self', script, { metadata: { labels: { app: 'self' } }, container })),
    ).toContain('me');
  });

  it('row 184: a pod reaches https://kubernetes.default.svc with its own token and CA', async () => {
    const { kubectl, namespace } = await cluster.scene('services');
    const script = `
      folder=/var/run/secrets/kubernetes.io/serviceaccount
      ask() {
        path=$1; shift
        curl --silent --show-error --cacert $folder/ca.crt --header "Authorization: Bearer $(cat $folder/token)" \\
          --write-out '\\n%{http_code}\\n' "$@" https://kubernetes.default.svc$path
      }
      ask /version
      ask /api
      ask /apis/authentication.k8s.io/v1/selfsubjectreviews --header 'Content-Type: application/json' \\
        --data '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
      ask /api/v1/namespaces/kube-system/secrets
      curl --silent --cacert /dev/null https://kubernetes.default.svc/version || echo refused by curl: $?
      echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT`;
    const told = await outputOf(
      kubectl,
      shellPod('api', script, { container: { image: CURL, env: [{ name: 'PATH', value: '/bin:/usr/bin' }] } }),
    );
    const answers = told.split(/\n(\d{3})\n/);
    expect(JSON.parse(answers[0] ?? '')).toMatchObject({ major: '1' });
    expect(JSON.parse(answers[2] ?? '')).toMatchObject({ kind: 'APIVersions' });
    expect(JSON.parse(answers[4] ?? '')).toMatchObject({
      status: { userInfo: { username: `system:serviceaccount:${namespace}:default` } },
    });
    expect(JSON.parse(answers[6] ?? '')).toMatchObject({ reason: 'Forbidden' });
    expect([1, 3, 5, 7].map((index) => answers[index])).toEqual(['200', '200', '201', '403']);
    // Without the cluster's CA nobody would believe the server: 60 and 77 are curl's words for that.
    expect(answers[8]).toMatch(/^refused by curl: (60|77)\n172\.30\.204\.1:443\n$/);
  });

  it('row 127: a job whose pod fails once completes', async () => {
    const { kubectl } = await cluster.scene('services');
    await kubectl.apply({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'work' },
      spec: {
        completions: 2,
        parallelism: 2,
        template: {
          spec: {
            restartPolicy: 'OnFailure',
            containers: [
              {
                name: 'work',
                image: 'localhost/busybox:test',
                command: ['sh', '-c', 'test -e /v/done && exit 0; touch /v/done; exit 1'],
                volumeMounts: [{ name: 'v', mountPath: '/v' }],
              },
            ],
            volumes: [{ name: 'v', emptyDir: {} }],
          },
        },
      },
    });
    await kubectl.ok(['wait', '--for=condition=Complete', 'job/work', '--timeout=60s']);
    expect(await kubectl.path(['get', 'job', 'work'], '{.status.succeeded}')).toBe('2');
  });

  it('rows 181, 182: a stateful set keeps names and order, and its pods have names in DNS', async () => {
    const { kubectl, namespace } = await cluster.scene('services');
    const { template } = web('set', 1).spec;
    await kubectl.apply(
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'set' },
        spec: { serviceName: 'set', replicas: 2, selector: { matchLabels: { app: 'set' } }, template },
      },
      { ...service('set'), spec: { ...service('set').spec, clusterIP: 'None' } },
    );
    await kubectl.ok(['rollout', 'status', 'statefulset/set', '--timeout=60s']);
    const script = `for n in 0 1; do until wget -qO- http://set-$n.set:8080/; do sleep 0.5; done; done; hostname -f`;
    const told = await outputOf(kubectl, shellPod('asks', script));
    expect(told.split('\n').slice(0, 2)).toEqual(['set-0', 'set-1']);
    const started = async (name: string, field: string): Promise<number> =>
      Date.parse(await kubectl.path(['get', 'pod', name], field));
    expect(await started('set-1', '{.metadata.creationTimestamp}')).toBeGreaterThanOrEqual(
      await started('set-0', '{.status.conditions[?(@.type=="Ready")].lastTransitionTime}'),
    );
    await kubectl.ok(['delete', 'pod', 'set-1']);
    await kubectl.ok(['rollout', 'status', 'statefulset/set', '--timeout=60s']);
    expect(await kubectl.ok(['get', 'pods', '--namespace', namespace, '-o', 'name', '-l', 'app=set'])).toBe(
      'pod/set-0\npod/set-1\n',
    );
  });

  it('a daemon set runs on the node, and its pod comes again', async () => {
    const { kubectl, client, namespace } = await cluster.scene('services');
    const { template } = web('daemon', 1).spec;
    await kubectl.apply({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'daemon' },
      spec: { selector: { matchLabels: { app: 'daemon' } }, template },
    });
    await kubectl.ok(['rollout', 'status', 'daemonset/daemon', '--timeout=60s']);
    const only = async () => {
      const [pod, ...others] = (await client.list(pods, { namespace, labelSelector: 'app=daemon' })).items;
      expect(others).toEqual([]);
      return pod;
    };
    const first = await only();
    const { name = '' } = first?.metadata ?? {};
    expect(await get(first?.status?.podIP ?? '', 8080)).toBe(name);
    await kubectl.ok(['delete', 'pod', name, '--timeout=30s']);
    await eventually(async () => {
      const next = await only();
      expect(next?.metadata?.name).not.toBe(name);
      expect(await get(next?.status?.podIP ?? '', 8080)).toBe(next?.metadata?.name);
    });
  });
});
