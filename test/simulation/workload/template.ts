import type { V1NodeAffinity, V1PodTemplateSpec } from '../../../lib/schema/generated/types.js';
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
  /** The name of a node that is not to be taken. */
  notOn?: string;
}

export function podTemplate(options: TemplateOptions): V1PodTemplateSpec {
  const { app, version, pool, cpu, restartPolicy, ends, priorityClassName, notOn } = options;
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
      ...(notOn === undefined ? {} : { affinity: { nodeAffinity: awayFrom(notOn) } }),
    },
  };
}

function awayFrom(name: string): V1NodeAffinity {
  const other = { key: 'metadata.name', operator: 'NotIn', values: [name] };
  return { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [other] }] } };
}

export function imageOf(version: number): string {
  return `example.com/app:${version}`;
}
