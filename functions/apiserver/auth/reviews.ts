import { badRequest } from '../../../lib/api/errors.js';
import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1TokenReview, V1TokenReviewStatus } from '../../../lib/schema/generated/types.js';
import type { SubresourceHandler } from '../registry/subresource.js';
import { accessReviewHandlers } from './access-reviews.js';
import type { Authorizer } from './auth.js';
import type { ChainAuthenticator } from './authenticator.js';
import type { RuleResolver } from './authorizer.js';
import { TokenError } from './errors.js';

export { tokenRequestHandler } from './token-request.js';

/** Handlers of all kinds that are never stored because they are questions about access, by kind name. */
export function reviewHandlers(
  authenticator: ChainAuthenticator,
  authorizer: Authorizer & RuleResolver,
): Record<string, SubresourceHandler> {
  return {
    ...accessReviewHandlers(authorizer),
    TokenReview: {
      create: async ({ body }) => {
        const review = body as V1TokenReview;
        if (!review.spec?.token) throw badRequest('token is required for TokenReview in authentication');
        const status = await reviewToken(authenticator, review.spec.token, review.spec.audiences ?? []);
        return { ...review, status } as KubernetesObject;
      },
    },
    SelfSubjectReview: {
      create: async ({ body, call, registry }) =>
        ({
          ...body,
          metadata: { creationTimestamp: formatTime(registry.clock.now()) },
          status: { userInfo: userInfoOf(call.user) },
        }) as KubernetesObject,
    },
  };
}

async function reviewToken(
  authenticator: ChainAuthenticator,
  token: string,
  audiences: readonly string[],
): Promise<V1TokenReviewStatus> {
  try {
    const identity = await authenticator.authenticateToken(token, audiences.length === 0 ? undefined : audiences);
    return { authenticated: true, user: userInfoOf(identity.user), audiences: identity.audiences };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const text = error.message === INVALID_TOKEN ? INVALID_TOKEN : `[${INVALID_TOKEN}, ${error.message}]`;
    return { authenticated: false, user: {}, error: text };
  }
}

const INVALID_TOKEN = 'invalid bearer token';

function userInfoOf(user: UserInfo): object {
  return {
    username: user.username,
    ...(user.uid ? { uid: user.uid } : {}),
    groups: user.groups,
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}
