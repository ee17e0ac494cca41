#!/usr/bin/env node
import { Command } from 'commander';
import type { AwsKubeconfigFlags } from './aws-kubeconfig.js';
import type { ClusterFlags } from './backup-options.js';
import { UserError } from './errors.js';

const collect = (value: string, previous: string[]): string[] => [...previous, value];

const program = new Command('zeroplane')
  .description('A Kubernetes control plane that scales to zero. Here: the whole cluster in one process.')
  .version('0.1.0')
  .showHelpAfterError();

program
  .command('up')
  .description('Bring a cluster up and keep it in the foreground until SIGINT or SIGTERM.')
  .option('--port <port>', 'port of the API server; 0 takes any free one', '6443')
  .option('--bind <address>', 'a further address to serve on (127.0.0.1 always is); may be repeated', collect, [])
  .option('--advertise-address <address>', 'the address that pods and other machines reach the API server by')
  .option('--data <folder>', 'where the cluster is kept (default: ".zeroplane/data")')
  .option('--memory', 'keep the cluster in memory and leave nothing behind')
  .option('--restore <file>', 'with --memory: start from this backup')
  .option('--kubeconfig <file>', 'where to write the kubeconfig', '.zeroplane/kubeconfig')
  .option('--nodes <count>', 'simulated nodes (default: 1); with real containers this machine is the only one')
  .option('--runtime <kind>', 'auto, cri or simulated', 'auto')
  .option('--cri-socket <path>', 'the container runtime to use')
  .option('--service-cidr <range>', 'cluster IPs of services', '10.96.0.0/16')
  .option('--pod-cidr <range>', 'IPs of pods; each node gets a /24 of it', '10.244.0.0/16')
  .option('--cluster-dns <address>', 'cluster IP of the DNS service', '10.96.0.10')
  .action(async (flags: unknown) => {
    const [{ parseUpOptions }, { up }] = await Promise.all([import('./up-options.js'), import('./up.js')]);
    await up(parseUpOptions(flags));
  });

program
  .command('agent')
  .description(
    'Make this machine a node of a cluster: run its pods as real containers, or (simulated) only tell that it does.',
  )
  .requiredOption('--kubeconfig <file>', "the node's credential, from: zeroplane kubeconfig --node NAME")
  .requiredOption('--node-name <name>', 'the name of the node, for which the credential was made')
  .option('--runtime <kind>', 'cri or simulated', 'cri')
  .option('--cri-socket <path>', 'the container runtime to use (default: containerd or CRI-O where they usually are)')
  .option(
    '--cluster-name <name>',
    'of a cluster on AWS: its name; the node is rung through its queue and watches nothing',
  )
  .option('--region <region>', '… its region (default: as the AWS command line finds it)')
  .option('--heartbeat-seconds <seconds>', 'how often the node says that it lives (default: 10, on AWS 30)')
  .option('--node-ip <address>', 'the address that other nodes reach this one by (default: the first of the machine)')
  .option('--data <folder>', 'where what belongs to pods is kept', '/var/lib/zeroplane')
  .option('--kubelet-port <port>', 'port of the server for logs, exec and metrics', '10250')
  .option(
    '--pod-manifest-path <path>',
    'a folder of manifests, or one: the node runs these pods whatever the API server says (static pods)',
  )
  .option(
    '--node-capacity <name=quantity>',
    'what the node offers instead of what is found; may be repeated',
    collect,
    [],
  )
  .option('--cluster-dns <address>', 'cluster IP of the DNS service', '10.96.0.10')
  .option('--pod-cidr <range>', 'IPs of the pods of all nodes', '10.244.0.0/16')
  .option('--service-cidr <range>', 'cluster IPs of services', '10.96.0.0/16')
  .action(async (flags: unknown) => {
    const [{ parseAgentOptions }, { agent }] = await Promise.all([import('./agent-options.js'), import('./agent.js')]);
    await agent(parseAgentOptions(flags));
  });

program
  .command('kubeconfig')
  .description(
    "Print an administrator's kubeconfig for the cluster in the data folder, or a node's; or one for a cluster on AWS.",
  )
  .option('--node <name>', 'print the credential of the node of this name')
  .option('--data <folder>', 'where the cluster is kept', '.zeroplane/data')
  .option('--server <url>', 'the API server, where it is not the address that was found (and always on AWS)')
  .option('--cluster-name <name>', 'of a cluster on AWS: its name')
  .option('--region <region>', '… its region')
  .option('--role-arn <arn>', '… the role to assume for it')
  .action(async ({ server, ...flags }: { node?: string; data: string } & Partial<AwsKubeconfigFlags>) => {
    if (server !== undefined && (flags.clusterName ?? flags.region ?? flags.roleArn) !== undefined) {
      const { awsKubeconfig } = await import('./aws-kubeconfig.js');
      process.stdout.write(awsKubeconfig({ ...flags, server }));
      return;
    }
    const { printKubeconfig } = await import('./print-kubeconfig.js');
    await printKubeconfig({ ...flags, ...(server === undefined ? {} : { server }) });
  });

program
  .command('backup')
  .description('Write a backup of a cluster, which may be in use meanwhile.')
  .argument('<file>', 'where to; what is there is replaced in one step')
  .option('--data <folder>', 'the cluster kept there', '.zeroplane/data')
  .option('--cluster <name>', 'the cluster of this name on AWS')
  .option('--region <region>', '… its region (default: as the AWS command line finds it)')
  .option('--kubeconfig <file>', 'the cluster that `zeroplane up --memory` runs, by its kubeconfig')
  .action(async (file: string, flags: ClusterFlags) => {
    const { backup } = await import('./backup.js');
    await backup(file, flags);
  });

program
  .command('restore')
  .description('Put a backup into a cluster that nobody has used yet.')
  .argument('<file>', 'the backup')
  .option('--data <folder>', 'where the cluster is kept; it must not be running', '.zeroplane/data')
  .option('--cluster <name>', 'the cluster of this name on AWS')
  .option('--region <region>', '… its region (default: as the AWS command line finds it)')
  .action(async (file: string, flags: ClusterFlags) => {
    const { restore } = await import('./restore.js');
    await restore(file, flags);
  });

program
  .command('token')
  .description('Print a credential for a cluster on AWS: what kubectl runs as an exec plugin.')
  .requiredOption('--cluster-name <name>', 'the cluster that the token is for')
  .option('--region <region>', 'region of STS (default: as the AWS command line finds it)')
  .option('--role-arn <arn>', 'a role to assume first')
  .option('--cluster-header <name>', 'the signed header that binds the token to the cluster', 'x-k8s-aws-id')
  .action(async (flags: { clusterName: string; region?: string; roleArn?: string; clusterHeader: string }) => {
    const { printToken } = await import('./token.js');
    await printToken(flags);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`zeroplane: ${error.message}\n`);
  process.exitCode = 1;
}
