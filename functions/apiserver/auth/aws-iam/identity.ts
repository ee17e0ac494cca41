import { AwsIamError } from './errors.js';

/** Who STS says a caller is. */
export interface AwsIdentity {
  /** As STS gives it: of an assumed role `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. */
  readonly arn: string;
  /** Of an assumed role `arn:aws:iam::ACCOUNT:role/ROLE`, without the role's path, which STS does not tell; of others the ARN. */
  readonly canonicalArn: string;
  readonly accountId: string;
  /** The unique id of the user or role: another of the same name, made later, has another. */
  readonly principalId: string;
  /** Of an assumed role; of an EC2 instance its id. '' for others. */
  readonly sessionName: string;
  readonly accessKeyId: string;
}

const ARN = /^arn:(aws[a-z-]*):(iam|sts)::(\d{12}):(.+)$/;

/** Takes GetCallerIdentity's answer apart. Throws an `AwsIamError` `unavailable` when it makes no sense. */
export function readIdentity(answer: unknown, accessKeyId: string): AwsIdentity {
  const { Account, Arn, UserId } = callerIdentity(answer);
  const match = ARN.exec(Arn);
  if (match === null || match[3] !== Account)
    throw new AwsIamError('unavailable', 'STS answered with an ARN that is none of a user or role');
  const [principalId = '', sessionName = '', ...rest] = UserId.split(':');
  if (rest.length > 0) throw new AwsIamError('unavailable', 'STS answered with a UserId of more than two parts');
  return { arn: Arn, canonicalArn: canonicalArn(Arn), accountId: Account, principalId, sessionName, accessKeyId };
}

/**
 * The ARN that mappings compare: sessions of a role become the role, and roles lose their path, since STS does not tell it. Case does not
 * count in names of IAM. Returns '' for what is no ARN of a user, role, federated user or root.
 */
export function canonicalArn(arn: string): string {
  const match = ARN.exec(arn);
  if (match === null) return '';
  const [, partition, service, account, resource = ''] = match;
  const [kind, ...names] = resource.split('/');
  const last = names.at(-1) ?? '';
  if (service === 'iam' && kind === 'root' && names.length === 0) return arn;
  if (last === '') return '';
  if (service === 'iam' && kind === 'user') return arn;
  if (service === 'iam' && kind === 'role') return `arn:${partition}:iam::${account}:role/${last}`;
  if (service === 'sts' && kind === 'federated-user') return arn;
  if (service === 'sts' && kind === 'assumed-role' && names.length === 2)
    return `arn:${partition}:iam::${account}:role/${names[0]}`;
  return '';
}

function callerIdentity(answer: unknown): { Account: string; Arn: string; UserId: string } {
  const { GetCallerIdentityResponse } = asRecord(answer);
  const { GetCallerIdentityResult } = asRecord(GetCallerIdentityResponse);
  const { Account, Arn, UserId } = asRecord(GetCallerIdentityResult);
  if (typeof Account !== 'string' || typeof Arn !== 'string' || typeof UserId !== 'string')
    throw new AwsIamError('unavailable', 'STS answered without Account, Arn or UserId');
  return { Account, Arn, UserId };
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
