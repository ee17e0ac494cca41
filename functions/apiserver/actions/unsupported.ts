import { ApiError } from '../../../lib/api/errors.js';
import type { SubresourceHandler, SubresourceRequest } from '../registry/subresource.js';

/** A subresource that needs a two-way connection into a pod, which there is not: 501 that says why. */
export function unsupportedAction(what: string): SubresourceHandler {
  const refuse = async ({ registry }: SubresourceRequest): Promise<never> => {
    const why = registry.nodeConnection?.whyNoStreams ?? 'this API server has no connection to nodes';
    throw new ApiError({
      code: 501,
      reason: 'NotImplemented',
      message: `${what} is not possible: ${why}`,
      details: {},
    });
  };
  return { takesNoBody: true, create: refuse, get: refuse };
}
