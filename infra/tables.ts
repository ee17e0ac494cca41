import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  StreamViewType,
  Table,
  TableEncryption,
  type TableProps,
} from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** What the store's port (lib/store/dynamodb/table.ts) asks of DynamoDB. Items are only deleted by their time to live. */
const STORE_ACTIONS = [
  'dynamodb:GetItem',
  'dynamodb:BatchGetItem',
  'dynamodb:Query',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:ConditionCheckItem',
];

/**
 * The tables of a cluster: objects with their logs, and heartbeats. Both are billed by request, so that they cost nothing while nobody asks.
 * Only the first has a stream: every renewal of a lease would be a call of the dispatcher.
 */
export class Tables extends Construct {
  readonly objects: Table;
  readonly heartbeats: Table;

  constructor(scope: Construct, id: string, options: { isProtected: boolean; key: IKey | undefined }) {
    super(scope, id);
    const common: TableProps = {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: options.isProtected,
      removalPolicy: options.isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      ...(options.key === undefined
        ? {}
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: options.key }),
    };
    // A log item holds the new body and what it replaced, and is never changed: its new image is all there is to know.
    this.objects = new Table(this, 'Objects', { ...common, stream: StreamViewType.NEW_IMAGE });
    this.heartbeats = new Table(this, 'Heartbeats', common);
  }

  grantStore(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: STORE_ACTIONS,
        resources: [this.objects.tableArn, this.heartbeats.tableArn],
      }),
    );
  }

  grantStream(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [
          'dynamodb:DescribeStream',
          'dynamodb:GetRecords',
          'dynamodb:GetShardIterator',
          'dynamodb:ListStreams',
        ],
        resources: [this.streamArn],
      }),
    );
  }

  get streamArn(): string {
    const { tableStreamArn } = this.objects;
    if (tableStreamArn === undefined) throw new Error('the table of objects has a stream');
    return tableStreamArn;
  }
}
