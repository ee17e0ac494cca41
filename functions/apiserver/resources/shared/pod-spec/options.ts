/** In what setting a pod spec is checked. */
export interface PodValidationOptions {
  /** It is a pod's own spec, not that of a template: nothing is left to default later. */
  readonly resourceIsPod: boolean;
  /** The pod's name when it is known; claims of ephemeral volumes are named after it. */
  readonly podName?: string;
}

export const TEMPLATE: PodValidationOptions = { resourceIsPod: false };
