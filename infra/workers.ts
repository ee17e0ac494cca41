import { Aws, Stack, Tags } from 'aws-cdk-lib';
import { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceArchitecture,
  InstanceType,
  IpAddresses,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  MachineImage,
  OperatingSystemType,
  SecurityGroup,
  SubnetType,
  UserData,
  Vpc,
  type IMachineImage,
  type IVpc,
} from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { clusterNames, DOORBELL_NODE_TAG } from '../lib/aws/function-environment.js';
import type { ClusterParameters } from './parameters.js';
import { stageWorkerFiles } from './worker-files.js';
import { workerCommands } from './worker-user-data.js';

/** Zones of the cluster's own VPC: a region has at least so many. */
const ZONES = 2;

/** What an instance may do: hear its doorbell, fetch the agent, and be reached by Session Manager. All else goes through the API server. */
export class WorkerRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, options: { cluster: string }) {
    super(scope, id);
    const { cluster } = options;
    this.role = new Role(this, 'Role', {
      description: `Zeroplane ${cluster}: nodes`,
      // No other principal may ever be let in: the name of the session is the name of the node.
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore')],
    });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['sqs:GetQueueUrl', 'sqs:ReceiveMessage', 'sqs:DeleteMessage'],
        resources: [Stack.of(this).formatArn({ service: 'sqs', resource: `${clusterNames(cluster).doorbellPrefix}*` })],
        // Of all doorbells only its own: EC2 names the session by the instance, and the queue's tag names the node.
        conditions: { StringLike: { 'aws:userid': `*:\${aws:ResourceTag/${DOORBELL_NODE_TAG}}` } },
      }),
    );
  }
}

export interface WorkersProps {
  parameters: ClusterParameters;
  role: Role;
  /** URL of the API server. */
  server: string;
  /** Folder of the built command line. */
  dist: string;
}

/** Instances that run pods: an auto scaling group in a VPC without NAT gateway, without a way in. */
export class Workers extends Construct {
  readonly group: AutoScalingGroup;

  constructor(scope: Construct, id: string, props: WorkersProps) {
    super(scope, id);
    const { parameters, role, server } = props;
    const { cluster } = parameters;
    const vpc = vpcOf(this, parameters);
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: `Zeroplane ${cluster}: nodes. Nothing comes in from outside.`,
      allowAllOutbound: true,
    });
    const agent = new Asset(this, 'Agent', { path: stageWorkerFiles(props.dist) });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [`${agent.bucket.bucketArn}/${agent.s3ObjectKey}`],
      }),
    );
    const userData = UserData.forLinux();
    userData.addCommands(
      ...workerCommands({
        cluster,
        region: Aws.REGION,
        server,
        agentUrl: agent.s3ObjectUrl,
        clusterDns: parameters.clusterDns,
        podCidr: parameters.podCidr,
        serviceCidr: parameters.serviceCidr,
      }),
    );
    const instanceType = new InstanceType(parameters.workerInstanceType);
    const template = new LaunchTemplate(this, 'Template', {
      instanceType,
      machineImage: imageOf(parameters.workerImage, instanceType),
      role,
      securityGroup,
      userData,
      // Pods are one hop further away, so that they cannot take the node's credentials.
      requireImdsv2: true,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      instanceMetadataTags: false,
      detailedMonitoring: false,
      associatePublicIpAddress: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(parameters.workerVolumeGb, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
            deleteOnTermination: true,
          }),
        },
      ],
      ...(parameters.workerSpot ? { spotOptions: {} } : {}),
    });
    this.group = new AutoScalingGroup(this, 'Group', {
      vpc,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      launchTemplate: template,
      minCapacity: parameters.workers,
      maxCapacity: parameters.workersMax ?? Math.max(parameters.workers, 1),
    });
    Tags.of(this.group).add('Name', `zeroplane-${cluster}-worker`);
    Tags.of(this.group).add(`kubernetes.io/cluster/${cluster}`, 'owned');
  }
}

/** The given image, or the one that a public parameter names at the time of the deployment. */
function imageOf(imageId: string | undefined, { architecture }: InstanceType): IMachineImage {
  if (imageId !== undefined)
    return { getImage: () => ({ imageId, osType: OperatingSystemType.LINUX, userData: UserData.forLinux() }) };
  return MachineImage.latestAmazonLinux2023({
    cpuType: architecture === InstanceArchitecture.ARM_64 ? AmazonLinuxCpuType.ARM_64 : AmazonLinuxCpuType.X86_64,
  });
}

/** A VPC of the cluster's own with public subnets, or the given one, of which nothing is looked up. */
function vpcOf(scope: Construct, { vpcId, subnetIds, vpcCidr }: ClusterParameters): IVpc {
  if (vpcId === undefined)
    return new Vpc(scope, 'Vpc', {
      ipAddresses: IpAddresses.cidr(vpcCidr),
      maxAzs: ZONES,
      natGateways: 0,
      subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
      // It would take a function of its own with rights on every security group.
      restrictDefaultSecurityGroup: false,
    });
  return Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    // Asked for, but written nowhere.
    availabilityZones: subnetIds.map((_, index) => `given-${index}`),
    publicSubnetIds: subnetIds,
  });
}
