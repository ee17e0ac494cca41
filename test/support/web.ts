import type { ImageOptions } from './container-image.js';

/** A web server on port 8080 that answers `/cgi-bin/who` with its pod's name and whom it sees. */
export const WEB_IMAGE: ImageOptions = {
  name: 'localhost/web:test',
  entrypoint: ['sh', '-c', 'trap "exit 0" TERM; httpd -f -p 0.0.0.0:8080 -h /www & wait'],
  files: {
    'www/cgi-bin/who': {
      content: '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\necho "$(hostname) $REMOTE_ADDR"\n',
      mode: 0o755,
    },
  },
};

/** A Deployment of `WEB_IMAGE`. `spec` is laid over that of its pods. */
export const web = (name: string, replicas: number, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'web',
            image: WEB_IMAGE.name,
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/cgi-bin/who', port: 'http' }, periodSeconds: 1 },
          },
        ],
        ...spec,
      },
    },
  },
});

/** Port 80 to the web servers of that name. */
export const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' }] },
});
