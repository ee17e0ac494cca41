import { expect, test } from 'vitest';
import { silentLog } from '../registry/context.js';
import { testServer } from '../registry/test-server.js';
import type { WebhookCaller } from '../webhooks/webhook-caller.js';
import { admissionChain } from './index.js';

const GROUP = '/apis/admissionregistration.k8s.io/v1';

test('audit annotations of policies, webhooks and PodSecurity go to the log, with the request that they are about', async () => {
  const logged: Record<string, unknown>[] = [];
  const webhooks: WebhookCaller = {
    async post(_config, { review }) {
      const { uid } = (review as { request: { uid: string } }).request;
      const response = { uid, allowed: true, auditAnnotations: { seen: 'yes', bad: 7 } };
      return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response } as object;
    },
  };
  const server = testServer({
    admission: admissionChain({ webhooks }),
    log: { ...silentLog, info: (data, message) => void logged.push({ ...data, message }) },
  });
  const make = async (path: string, body: object): Promise<void> => {
    const { status, text } = await server.request('POST', path, body);
    expect(status, text).toBe(201);
  };
  const labels = { 'pod-security.kubernetes.io/audit': 'baseline' };
  await make('/api/v1/namespaces', { metadata: { name: 'shop', labels } });
  await make('/api/v1/namespaces/shop/serviceaccounts', { metadata: { name: 'default' } });
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
  await make(`${GROUP}/validatingadmissionpolicies`, {
    metadata: { name: 'named' },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: 'true' }, { expression: 'false', message: 'never right' }],
      auditAnnotations: [{ key: 'name', valueExpression: '"it is " + object.metadata.name' }],
    },
  });
  await make(`${GROUP}/validatingadmissionpolicybindings`, {
    metadata: { name: 'bound' },
    spec: { policyName: 'named', validationActions: ['Audit'] },
  });
  await make(`${GROUP}/validatingwebhookconfigurations`, {
    metadata: { name: 'w' },
    webhooks: [
      {
        name: 'w.example.com',
        clientConfig: { url: 'https://w.example.com' },
        rules: [rule],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
  expect(logged).toEqual([]);
  const pod = await server.request('POST', '/api/v1/namespaces/shop/pods', {
    metadata: { name: 'web' },
    spec: { hostNetwork: true, containers: [{ name: 'c', image: 'i' }] },
  });
  expect(pod.status, pod.text).toBe(201);
  expect(logged).toEqual([
    {
      message: 'audit annotations of a request',
      requestId: pod.headers.get('audit-id'),
      method: 'POST',
      path: '/api/v1/namespaces/shop/pods',
      status: 201,
      annotations: {
        'pod-security.kubernetes.io/audit-violations':
          'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
        'named/name': 'it is web',
        'validation.policy.admission.k8s.io/validation_failure': JSON.stringify([
          {
            message: 'never right',
            policy: 'named',
            binding: 'bound',
            expressionIndex: 1,
            validationActions: ['Audit'],
          },
        ]),
        'w.example.com/seen': 'yes',
      },
    },
  ]);
});
