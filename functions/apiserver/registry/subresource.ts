import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Call, Registry, WriteOptions } from './context.js';
import type { ApiResponse } from './request.js';

/** What a subresource, or a kind that is never stored (a review), is asked. */
export interface SubresourceRequest {
  readonly registry: Registry;
  readonly call: Call;
  readonly namespace: string;
  /** '' for a review. */
  readonly name: string;
  /** The decoded body; undefined for GET and where the subresource has none. */
  readonly body: KubernetesObject | undefined;
  readonly options: WriteOptions;
}

/**
 * Answers a subresource's create (POST) and, where given, its other verbs. What is returned is sent as it is; an object
 * with status 201 for create and 200 otherwise. Refuses by throwing an ApiError.
 */
export interface SubresourceHandler {
  /** The body, if any, is not an API object. */
  readonly takesNoBody?: boolean;
  create?(request: SubresourceRequest): Promise<KubernetesObject | RawAnswer>;
  get?(request: SubresourceRequest): Promise<KubernetesObject | RawAnswer>;
  update?(request: SubresourceRequest): Promise<KubernetesObject | RawAnswer>;
}

/** An answer that is not one JSON object: a log, for example. */
export class RawAnswer {
  readonly response: ApiResponse;

  constructor(response: ApiResponse) {
    this.response = response;
  }
}
