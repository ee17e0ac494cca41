import type { AwsCredentialIdentityProvider } from '@smithy/types';

/**
 * Stands in for the SDK's search for credentials in the bundles of functions: Lambda puts them into the environment, and what looks for them in
 * files, single sign-on and other machines is left out.
 */
export function defaultProvider(): AwsCredentialIdentityProvider {
  return () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
    if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
      return Promise.reject(
        new Error(
          'there are no credentials in the environment: a function of Lambda has them, give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY elsewhere',
        ),
      );
    return Promise.resolve({
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
    });
  };
}
