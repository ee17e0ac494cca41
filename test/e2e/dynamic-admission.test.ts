import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allow, deny, startWebhookServer, type WebhookServer } from '../support/webhook-server.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster();
const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] };

let server: WebhookServer;
beforeAll(async () => {
  server = await startWebhookServer((review) =>
    review.request.name === 'refused' ? deny(review, 'not this one') : allow(review),
  );
});
afterAll(() => server.close());

describe('what a cluster is told to check', () => {
  it('a webhook says no, with its reason', async () => {
    const { kubectl, namespace } = await cluster.scene('webhook');
    await kubectl.apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: namespace },
      webhooks: [
        {
          name: 'maps.example.com',
          clientConfig: { url: `${server.url}/maps`, caBundle: server.caBundle },
          rules: [RULE],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    });
    expect(await kubectl.fails(['create', 'configmap', 'refused'])).toContain(
      'admission webhook "maps.example.com" denied the request: not this one',
    );
    await kubectl.ok(['create', 'configmap', 'accepted']);
    expect(server.received.at(-1)?.review.request.userInfo.username).toBe('kubernetes-admin');
    await kubectl.ok(['delete', 'validatingwebhookconfiguration', namespace]);
    await kubectl.ok(['create', 'configmap', 'refused']);
  });

  it('a policy says no in its own words', async () => {
    const { kubectl, namespace } = await cluster.scene('policy');
    const group = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name: namespace } };
    await kubectl.apply(
      {
        ...group,
        kind: 'ValidatingAdmissionPolicy',
        spec: {
          matchConstraints: { resourceRules: [RULE] },
          validations: [{ expression: "object.metadata.name.startsWith('team-')", message: 'names start with team-' }],
        },
      },
      {
        ...group,
        kind: 'ValidatingAdmissionPolicyBinding',
        spec: {
          policyName: namespace,
          validationActions: ['Deny'],
          matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
        },
      },
    );
    expect(await kubectl.fails(['create', 'configmap', 'other'])).toContain(
      `ValidatingAdmissionPolicy '${namespace}' with binding '${namespace}' denied request: names start with team-`,
    );
    await kubectl.ok(['create', 'configmap', 'team-map']);
    expect(await kubectl.ok(['get', 'apiservices', 'v1.apps'])).toMatch(/v1\.apps\s+Local\s+True/);
  });
});
