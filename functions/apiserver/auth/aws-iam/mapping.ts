import type { UserInfo } from '../../../../lib/api/meta.js';
import { canonicalArn, type AwsIdentity } from './identity.js';

/**
 * Who of AWS is who in the cluster, in the manner of aws-auth's mapRoles and mapUsers. In the user name and the groups `{{AccountID}}`,
 * `{{SessionName}}` (with `@` replaced by `-`), `{{SessionNameRaw}}` and `{{AccessKeyID}}` stand for what STS has told.
 */
export interface IdentityMapping {
  /** Of a role (with or without its path), a user, a federated user, or an account's root. */
  arn: string;
  username: string;
  groups: string[];
}

type Placeholder = (identity: AwsIdentity) => string;

const PLACEHOLDERS: Readonly<Record<string, Placeholder>> = {
  AccountID: ({ accountId }) => accountId,
  SessionName: ({ sessionName }) => sessionName.replaceAll('@', '-'),
  SessionNameRaw: ({ sessionName }) => sessionName,
  AccessKeyID: ({ accessKeyId }) => accessKeyId,
};

const TEMPLATE = /\{\{([^{}]*)\}\}/g;

const MAPPINGS_MAX = 1_000;

/** A configuration of identities that cannot work. */
export class MappingError extends Error {
  readonly code = 'invalid-identity-mapping';

  constructor(message: string) {
    super(message);
    this.name = 'MappingError';
  }
}

/** Checked mappings, by canonical ARN. The first of several for one ARN counts. */
export class IdentityMappings {
  readonly #byArn = new Map<string, IdentityMapping>();

  /** Throws a `MappingError` that names what is wrong. */
  constructor(mappings: readonly IdentityMapping[]) {
    if (mappings.length > MAPPINGS_MAX) throw new MappingError(`more than ${MAPPINGS_MAX} identity mappings`);
    for (const mapping of mappings) {
      const arn = canonicalArn(mapping.arn);
      if (arn === '')
        throw new MappingError(
          `${JSON.stringify(mapping.arn)} is not the ARN of a role, a user, a federated user or an account's root`,
        );
      if (mapping.username === '') throw new MappingError(`the mapping of ${mapping.arn} has no user name`);
      for (const text of [mapping.username, ...mapping.groups]) checkTemplate(text, mapping.arn);
      const key = arn.toLowerCase();
      if (!this.#byArn.has(key)) this.#byArn.set(key, mapping);
    }
  }

  /** The user that an identity is here; undefined when nobody has mapped it. */
  userOf(identity: AwsIdentity): UserInfo | undefined {
    const mapping = this.#byArn.get(identity.canonicalArn.toLowerCase());
    if (mapping === undefined) return undefined;
    const { arn, canonicalArn: canonical, accountId, principalId, sessionName, accessKeyId } = identity;
    return {
      username: filled(mapping.username, identity),
      uid: `aws-iam-authenticator:${accountId}:${principalId}`,
      groups: mapping.groups.map((group) => filled(group, identity)),
      extra: {
        accessKeyId: [accessKeyId],
        arn: [arn],
        canonicalArn: [canonical],
        principalId: [principalId],
        sessionName: [sessionName],
      },
    };
  }
}

function checkTemplate(text: string, arn: string): void {
  for (const [, name = ''] of text.matchAll(TEMPLATE)) {
    if (!Object.hasOwn(PLACEHOLDERS, name))
      throw new MappingError(
        `the mapping of ${arn} uses {{${name}}}; known are ${Object.keys(PLACEHOLDERS)
          .map((known) => `{{${known}}}`)
          .join(', ')}`,
      );
  }
}

function filled(text: string, identity: AwsIdentity): string {
  return text.replace(TEMPLATE, (whole, name: string) => PLACEHOLDERS[name]?.(identity) ?? whole);
}
