import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { clusterNames } from '../lib/aws/function-environment.js';

/**
 * The rights on the cluster's secrets: keys that sign service account tokens, and the certificate authorities. CloudFormation cannot make
 * SecureString parameters, and should not see what is in them. So the control plane makes them when it first needs them: no function exists
 * that could read or replace them and is needed only once. What exists is never overwritten, not even by the control plane.
 */
export class SigningKeys extends Construct {
  readonly #arns: string[];

  constructor(scope: Construct, id: string, options: { cluster: string }) {
    super(scope, id);
    const { signingKeysParameter, authorityParameter, frontProxyParameter, endpointParameter } = clusterNames(
      options.cluster,
    );
    const arnOf = (name: string): string =>
      Stack.of(this).formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.slice(1) });
    this.#arns = [signingKeysParameter, authorityParameter, frontProxyParameter].map(arnOf);
    this.#endpointArn = arnOf(endpointParameter);
  }

  readonly #endpointArn: string;

  /** Reads the secrets, and the URL of the API server. */
  grantRead(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['ssm:GetParameter', 'ssm:GetParameters'],
        resources: [...this.#arns, this.#endpointArn],
      }),
    );
  }

  /** Makes them where there are none. */
  grantCreate(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['ssm:PutParameter'],
        resources: this.#arns,
        conditions: { StringNotEquals: { 'ssm:Overwrite': 'true' } },
      }),
    );
  }
}
