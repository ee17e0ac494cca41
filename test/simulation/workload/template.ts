import type { V1PodTemplateSpec } from '../../../lib/schema/generated/types.js';
import { ANNOTATION_PREFIX } from '../../../agent/runtime/simulated/simulated-runtime.js';

/** Labels of nodes that workloads may ask for. */
export const POOL_LABEL = 'pool';
export const POOLS = { few: 'few', tiny: 'tiny' } as const;

export interface TemplateOptions {
  app: string;
  /** A number: other templates have other ones. */
  version: number;
  pool?: string;
  cpu?: string;
  restartPolicy?: string;
  /** How the containers end, instead of running on. */
  ends?: { exitCode: number; runMs: number };
  priorityClassName?: string;
}

export function podTemplate(options: TemplateOptions): V1PodTemplateSpec {
  const { app, version, pool, cpu, restartPolicy, ends, priorityClassName } = options;
  const annotations: Record<string, string> =
    ends === undefined
      ? {}
      : {
          [`${ANNOTATION_PREFIX}exit-code`]: String(ends.exitCode),
          [`${ANNOTATION_PREFIX}run-ms`]: String(ends.runMs),
        };
  return {
    metadata: { labels: { app }, annotations },
    spec: {
      containers: [
        {
          name: 'main',
          image: imageOf(version),
          ports: [{ containerPort: 8080 }],
          ...(cpu === undefined ? {} : { resources: { requests: { cpu } } }),
        },
      ],
      ...(pool === undefined ? {} : { nodeSelector: { [POOL_LABEL]: pool } }),
      ...(restartPolicy === undefined ? {} : { restartPolicy }),
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
    },
  };
}

export function imageOf(version: number): string {
  return `example.com/app:${version}`;
}
