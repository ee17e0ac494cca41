import type { V1PodTemplateSpec } from '../../../../lib/schema/generated/types.js';

/** A pod template with the label `app` and one container. */
export function podTemplate(app: string, image = 'image:1', restartPolicy = 'Always'): V1PodTemplateSpec {
  return {
    metadata: { labels: { app } },
    spec: { containers: [{ name: 'main', image }], restartPolicy },
  };
}
