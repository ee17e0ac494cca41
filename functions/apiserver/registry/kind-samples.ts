/** The smallest valid object of every stored kind, by `<group>/<plural>`, for tests that go through all of them. */

const LABELS = { app: 'web' };
const SELECTOR = { matchLabels: LABELS };
const TEMPLATE = { metadata: { labels: LABELS }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
const JOB_TEMPLATE = { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } };
const CEL = { validations: [{ expression: 'true' }] };
const MATCH = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
};

export const KIND_SAMPLES: Readonly<Record<string, object>> = {
  '/configmaps': { data: { a: '1' } },
  '/endpoints': { subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }] },
  '/events': {
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'x' },
    reason: 'Test',
    message: 'm',
    type: 'Normal',
    source: { component: 'test' },
  },
  '/limitranges': { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  '/namespaces': {},
  '/nodes': {},
  '/persistentvolumes': {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/a' } },
  },
  '/persistentvolumeclaims': {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  '/pods': { spec: TEMPLATE.spec },
  '/podtemplates': { template: TEMPLATE },
  '/replicationcontrollers': { spec: { selector: LABELS, template: TEMPLATE } },
  '/resourcequotas': { spec: { hard: { pods: '3' } } },
  '/secrets': { stringData: { a: 'b' } },
  '/services': { spec: { clusterIP: 'None', ports: [{ port: 80 }] } },
  '/serviceaccounts': {},
  'apps/controllerrevisions': { revision: 1, data: { a: 1 } },
  'apps/deployments': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/replicasets': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/statefulsets': { spec: { selector: SELECTOR, template: TEMPLATE, serviceName: 'x' } },
  'apps/daemonsets': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'batch/jobs': { spec: { template: JOB_TEMPLATE } },
  'batch/cronjobs': { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: JOB_TEMPLATE } } } },
  'autoscaling/horizontalpodautoscalers': {
    spec: {
      maxReplicas: 3,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ],
    },
  },
  'policy/poddisruptionbudgets': { spec: { minAvailable: 1, selector: SELECTOR } },
  'networking.k8s.io/ingresses': { spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } } },
  'networking.k8s.io/ingressclasses': { spec: { controller: 'example.com/ingress' } },
  'networking.k8s.io/networkpolicies': { spec: { podSelector: {} } },
  'networking.k8s.io/ipaddresses': {
    metadata: { name: '192.168.7.9' },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'x' } },
  },
  'networking.k8s.io/servicecidrs': { spec: { cidrs: ['10.97.0.0/16'] } },
  'discovery.k8s.io/endpointslices': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.2.3'] }],
    ports: [{ port: 80 }],
  },
  'coordination.k8s.io/leases': { spec: { holderIdentity: 'x', leaseDurationSeconds: 10 } },
  'rbac.authorization.k8s.io/roles': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'rbac.authorization.k8s.io/clusterroles': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'rbac.authorization.k8s.io/rolebindings': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'x' },
    subjects: [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }],
  },
  'rbac.authorization.k8s.io/clusterrolebindings': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'x' },
    subjects: [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }],
  },
  'storage.k8s.io/storageclasses': { provisioner: 'example.com/disk' },
  'storage.k8s.io/csidrivers': { spec: { attachRequired: false } },
  'storage.k8s.io/csinodes': { spec: { drivers: [] } },
  'storage.k8s.io/csistoragecapacities': { storageClassName: 'x', capacity: '1Gi' },
  'storage.k8s.io/volumeattachments': {
    spec: { attacher: 'example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } },
  },
  'storage.k8s.io/volumeattributesclasses': { driverName: 'example.com', parameters: { a: 'b' } },
  'scheduling.k8s.io/priorityclasses': { value: 5 },
  'node.k8s.io/runtimeclasses': { handler: 'runc' },
  'certificates.k8s.io/certificatesigningrequests': {
    spec: {
      // A PEM block with a real request: its signature is checked on create.
      request: Buffer.from(
        `-----BEGIN CERTIFICATE REQUEST-----
MIHLMHMCAQAwETEPMA0GA1UEAwwGc2FtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAElwY271kBNhOgFsj+oOxq8B/v4+40i0WkZOYKUJALEPlw6KzuOEUBKjV3
tb9I6C92pBdjmANUo3qs6UUgQCo5G6AAMAoGCCqGSM49BAMCA0gAMEUCIQDCE/Tt
WNjnvDeNlmJ2YmsgqFK9BdHI/s2iq+svkUZqIAIgR1BPfb9OYiMD2M7y3ouEOlve
UYC8ph1WP5CMsEXo1wA=
-----END CERTIFICATE REQUEST-----
`,
      ).toString('base64'),
      signerName: 'example.com/signer',
      usages: ['client auth'],
    },
  },
  'admissionregistration.k8s.io/validatingadmissionpolicies': {
    spec: { matchConstraints: MATCH, ...CEL },
  },
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': {
    spec: { policyName: 'x', validationActions: ['Deny'] },
  },
  'admissionregistration.k8s.io/mutatingadmissionpolicies': {
    spec: {
      matchConstraints: MATCH,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
    },
  },
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': { spec: { policyName: 'x' } },
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': {
    webhooks: [
      {
        name: 'sample.example.com',
        clientConfig: { url: 'https://127.0.0.1:1' },
        rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['samples'] }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  },
  'admissionregistration.k8s.io/validatingwebhookconfigurations': {
    webhooks: [
      {
        name: 'sample.example.com',
        clientConfig: { url: 'https://127.0.0.1:1' },
        rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['samples'] }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  },
  'apiextensions.k8s.io/customresourcedefinitions': {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'things', kind: 'Thing', singular: 'thing', listKind: 'ThingList' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  'apiregistration.k8s.io/apiservices': {
    metadata: { name: 'v1.example.com' },
    spec: {
      group: 'example.com',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 10,
      service: { namespace: 'default', name: 'x' },
    },
  },
  'resource.k8s.io/deviceclasses': { spec: {} },
  'resource.k8s.io/resourceclaims': {
    spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'x' } }] } },
  },
  'resource.k8s.io/resourceclaimtemplates': {
    spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'x' } }] } } },
  },
  'resource.k8s.io/resourceslices': {
    spec: { driver: 'example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } },
  },
  'flowcontrol.apiserver.k8s.io/flowschemas': {
    spec: { priorityLevelConfiguration: { name: 'x' }, matchingPrecedence: 100 },
  },
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': {
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } },
  },
};
