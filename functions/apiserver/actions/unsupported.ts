import { ApiError } from '../../../lib/api/errors.js';
import type { SubresourceHandler } from '../registry/subresource.js';

/** A subresource that needs a two-way connection to a node, which this server does not have: 501 that says so. */
export function unsupportedAction(what: string): SubresourceHandler {
  const refuse = async (): Promise<never> => {
    throw new ApiError({
      code: 501,
      reason: 'NotImplemented',
      message: `${what} is not possible: the API server has no two-way connection to the node`,
      details: {},
    });
  };
  return { takesNoBody: true, create: refuse, get: refuse };
}
