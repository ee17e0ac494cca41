import type { V1Container, V1EphemeralContainer, V1PodSpec } from '../../../../../lib/schema/generated/types.js';

export interface ContainerAt {
  readonly container: V1Container | V1EphemeralContainer;
  /** `spec.initContainers[0]` */
  readonly path: string;
}

/** All containers of a pod spec, init and ephemeral ones too, with their paths. */
export function containersWithPaths(spec: V1PodSpec, path: string): ContainerAt[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => ({ container, path: `${path}.${list}[${index}]` })),
  );
}
