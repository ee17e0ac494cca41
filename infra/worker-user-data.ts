/** What a worker needs to know to join its cluster. Values may be tokens of CloudFormation. */
export interface WorkerUserData {
  cluster: string;
  region: string;
  /** URL of the API server. */
  server: string;
  /** The archive with the agent, as a URL of S3. */
  agentUrl: string;
  clusterDns: string;
  podCidr: string;
  serviceCidr: string;
}

/**
 * Commands that make an Amazon Linux 2023 instance a node: containerd, CNI plugins, Node.js 24 and the agent as a systemd unit. They run once,
 * at the first boot, and may be run again. The node's name is the instance's id, which is also what its role's sessions are called.
 */
export function workerCommands(data: WorkerUserData): string[] {
  return [
    'set -euo pipefail',
    'exec > >(tee /var/log/zeroplane-worker.log) 2>&1',
    '',
    'dnf install -y containerd runc cni-plugins nftables conntrack-tools iproute nodejs24 unzip',
    '',
    '# Routing between pods, and services for pods of one node.',
    "printf 'overlay\\nbr_netfilter\\n' > /etc/modules-load.d/zeroplane.conf",
    'modprobe -a overlay br_netfilter',
    "printf 'net.ipv4.ip_forward = 1\\nnet.bridge.bridge-nf-call-iptables = 1\\n' > /etc/sysctl.d/90-zeroplane.conf",
    'sysctl --system',
    '',
    'mkdir -p /etc/containerd /etc/cni/net.d /opt/zeroplane /etc/zeroplane /var/lib/zeroplane',
    "containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' > /etc/containerd/config.toml",
    '# The distribution keeps the plugins elsewhere than containerd looks for them.',
    'for folder in /usr/libexec/cni /usr/lib/cni; do [ -d "$folder" ] && mkdir -p /opt/cni && ln -sfn "$folder" /opt/cni/bin; done || true',
    'systemctl enable --now containerd',
    'systemctl restart containerd',
    '',
    `aws s3 cp --region ${data.region} ${data.agentUrl} /opt/zeroplane/agent.zip`,
    'unzip -oq /opt/zeroplane/agent.zip -d /opt/zeroplane/agent',
    '',
    '# Version 2 of the metadata service: a token first.',
    "imds=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)",
    'metadata() { curl -sf -H "X-aws-ec2-metadata-token: $imds" "http://169.254.169.254/latest/meta-data/$1"; }',
    'instance=$(metadata instance-id)',
    'address=$(metadata local-ipv4)',
    'zone=$(metadata placement/availability-zone)',
    '',
    'cat > /etc/zeroplane/kubeconfig <<END',
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: zeroplane',
    `  cluster: { server: "${data.server}" }`,
    'users:',
    '- name: node',
    '  user:',
    '    exec:',
    '      apiVersion: client.authentication.k8s.io/v1',
    '      interactiveMode: Never',
    '      command: /usr/bin/node-24',
    `      args: [/opt/zeroplane/agent/zeroplane.mjs, token, --cluster-name, "${data.cluster}", --region, "${data.region}"]`,
    'contexts:',
    '- name: zeroplane',
    '  context: { cluster: zeroplane, user: node }',
    'current-context: zeroplane',
    'END',
    'chmod 600 /etc/zeroplane/kubeconfig',
    '',
    'cat > /etc/systemd/system/zeroplane-agent.service <<END',
    '[Unit]',
    'Description=Zeroplane agent: kubelet, proxy and DNS of this node',
    'Wants=network-online.target',
    'After=network-online.target containerd.service',
    'Requires=containerd.service',
    '',
    '[Service]',
    `Environment=AWS_REGION=${data.region}`,
    'Environment=ZEROPLANE_ZONE=$zone',
    `ExecStart=/usr/bin/node-24 --enable-source-maps /opt/zeroplane/agent/zeroplane.mjs agent --kubeconfig /etc/zeroplane/kubeconfig --node-name $instance --cluster-name ${data.cluster} --node-ip $address --cri-socket /run/containerd/containerd.sock --data /var/lib/zeroplane --cluster-dns ${data.clusterDns} --pod-cidr ${data.podCidr} --service-cidr ${data.serviceCidr}`,
    'Restart=always',
    'RestartSec=5',
    '# Containers outlive the agent: it finds them again.',
    'KillMode=process',
    'OOMScoreAdjust=-999',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    'END',
    'systemctl daemon-reload',
    'systemctl enable --now zeroplane-agent',
  ];
}
