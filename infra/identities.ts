import { Aws, Duration, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { STS_GLOBAL_HOST, stsHost } from '../lib/aws/token-format.js';

/** As the API server reads it (functions/apiserver/auth/aws-iam). */
interface Mapping {
  arn: string;
  username: string;
  groups: string[];
}

/** Who of AWS is who in the cluster. */
export class Identities extends Construct {
  /** Whoever may assume it is the cluster's administrator. It may do nothing else. */
  readonly adminRole: Role;
  readonly #mappings: Mapping[];
  readonly #stsHosts: string[];

  constructor(scope: Construct, id: string, options: { cluster: string; admins: string[]; stsRegions: string[] }) {
    super(scope, id);
    const { cluster, admins, stsRegions } = options;
    this.adminRole = new Role(this, 'Admin', {
      description: `Zeroplane ${cluster}: administrators of the cluster. It has no rights on AWS.`,
      // The account's own policies say which of its users may assume it.
      assumedBy: new AccountRootPrincipal(),
      maxSessionDuration: Duration.hours(1),
    });
    this.#mappings = [
      { arn: this.adminRole.roleArn, username: 'aws:admin:{{SessionName}}', groups: ['system:masters'] },
      ...admins.map((arn) => ({ arn, username: arn, groups: ['system:masters'] })),
    ];
    // The region is not known here; in China its names end otherwise.
    const own = `sts.${Aws.REGION}.${Aws.URL_SUFFIX}`;
    this.#stsHosts = [...new Set([own, STS_GLOBAL_HOST, ...stsRegions.map(stsHost)])];
  }

  /** Instances that have the role are nodes. Only EC2 may assume it, and names the session by the instance's id: so each is itself only. */
  addWorkers(roleArn: string): void {
    this.#mappings.push({
      arn: roleArn,
      username: 'system:node:{{SessionName}}',
      groups: ['system:bootstrappers', 'system:nodes'],
    });
  }

  /** JSON for the API server's environment. */
  get configuration(): string {
    return Stack.of(this).toJsonString({ stsHosts: this.#stsHosts, mappings: this.#mappings });
  }
}
