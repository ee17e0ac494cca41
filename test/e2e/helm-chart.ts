import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A chart of ours with hooks, a test and one object of each kind that charts usually have. Returns its folder. */
export function writeChart(folder: string): string {
  const chart = path.join(folder, 'everything');
  for (const inner of ['templates', 'crds']) mkdirSync(path.join(chart, inner), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(chart, name), text);
  return chart;
}

const LABELS = '{app: {{ .Release.Name }}, part: PART}';
const pod = (part: string, indent: number): string =>
  [
    'metadata:',
    `  labels: ${LABELS.replace('PART', part)}`,
    'spec:',
    '  serviceAccountName: {{ .Release.Name }}',
    '  containers:',
    '    - name: main',
    '      image: "nginx:{{ .Values.tag }}"',
    '      ports: [{containerPort: 80, name: http}]',
    '      env: [{name: GREETING, value: {{ .Values.greeting | quote }}}]',
  ]
    .map((line) => `${' '.repeat(indent)}${line}`)
    .join('\n');

const hook = (name: string, when: string): string => `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-${name}
  annotations:
    helm.sh/hook: ${when}
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox}]
`;

const FILES: Readonly<Record<string, string>> = {
  'Chart.yaml': 'apiVersion: v2\nname: everything\nversion: 1.0.0\nappVersion: "1"\n',
  'values.yaml': 'replicas: 1\ntag: "1.26"\ngreeting: hello\n',
  'crds/widgets.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.charts.example.com
spec:
  group: charts.example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, properties: {greeting: {type: string}, size: {type: integer, default: 3}}}
`,
  'templates/widget.yaml': `apiVersion: charts.example.com/v1
kind: Widget
metadata:
  name: {{ .Release.Name }}
spec:
  greeting: {{ .Values.greeting | quote }}
`,
  'templates/config.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  greeting: {{ .Values.greeting | quote }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  password: secret
`,
  'templates/rbac.yaml': `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .Release.Name }}
rules:
  - {apiGroups: [""], resources: [pods, configmaps], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .Release.Name }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .Release.Name }}}
subjects: [{kind: ServiceAccount, name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .Release.Namespace }}-{{ .Release.Name }}
rules:
  - {apiGroups: [""], resources: [nodes], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ .Release.Namespace }}-{{ .Release.Name }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ .Release.Namespace }}-{{ .Release.Name }}}
subjects: [{kind: ServiceAccount, name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}]
`,
  'templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: ${LABELS.replace('PART', 'web')}
  template:
${pod('web', 4)}
`,
  'templates/stateful-set.yaml': `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  serviceName: {{ .Release.Name }}
  selector:
    matchLabels: ${LABELS.replace('PART', 'db')}
  template:
${pod('db', 4)}
`,
  'templates/job.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox}]
`,
  'templates/network.yaml': `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: ${LABELS.replace('PART', 'web')}
  ports: [{port: 80, targetPort: http, name: http}, {port: 53, name: tcp}, {port: 53, protocol: UDP, name: udp}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}
spec:
  rules:
    - host: {{ .Release.Name }}.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: {{ .Release.Name }}, port: {name: http}}}}
`,
  'templates/before.yaml': hook('before', 'pre-install,pre-upgrade'),
  'templates/after.yaml': hook('after', 'post-install'),
  'templates/test.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
    simulated.zeroplane.dev/exit-code: "0"
    simulated.zeroplane.dev/run-ms: "10"
spec:
  restartPolicy: Never
  containers: [{name: main, image: busybox}]
`,
};
