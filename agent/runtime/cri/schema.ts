/**
 * The messages of CRI (runtime.v1) that the agent uses, with the field numbers of k8s.io/cri-api 0.36: what the runtime sends beyond them
 * is skipped, as protobuf has it. `name: 'number type'`; `*` marks a repeated field, `map` a map of strings.
 */
type Fields = Readonly<Record<string, string>>;

const MESSAGES: Readonly<Record<string, Fields>> = {
  Empty: {},
  VersionRequest: { version: '1 string' },
  VersionResponse: {
    version: '1 string',
    runtime_name: '2 string',
    runtime_version: '3 string',
    runtime_api_version: '4 string',
  },
  StatusRequest: { verbose: '1 bool' },
  StatusResponse: { status: '1 RuntimeStatus', info: '2 map' },
  RuntimeStatus: { conditions: '1 *RuntimeCondition' },
  RuntimeCondition: { type: '1 string', status: '2 bool', reason: '3 string', message: '4 string' },
  RuntimeConfigResponse: { linux: '1 LinuxRuntimeConfiguration' },
  LinuxRuntimeConfiguration: { cgroup_driver: '1 int32' },

  DNSConfig: { servers: '1 *string', searches: '2 *string', options: '3 *string' },
  PortMapping: { protocol: '1 int32', container_port: '2 int32', host_port: '3 int32', host_ip: '4 string' },
  Int64Value: { value: '1 int64' },
  UInt64Value: { value: '1 uint64' },
  NamespaceOption: { network: '1 int32', pid: '2 int32', ipc: '3 int32', target_id: '4 string' },
  SecurityProfile: { profile_type: '1 int32', localhost_ref: '2 string' },
  LinuxSandboxSecurityContext: {
    namespace_options: '1 NamespaceOption',
    run_as_user: '3 Int64Value',
    readonly_rootfs: '4 bool',
    supplemental_groups: '5 *int64',
    privileged: '6 bool',
    run_as_group: '8 Int64Value',
    seccomp: '9 SecurityProfile',
  },
  LinuxPodSandboxConfig: {
    cgroup_parent: '1 string',
    security_context: '2 LinuxSandboxSecurityContext',
    sysctls: '3 map',
  },
  PodSandboxMetadata: { name: '1 string', uid: '2 string', namespace: '3 string', attempt: '4 uint32' },
  PodSandboxConfig: {
    metadata: '1 PodSandboxMetadata',
    hostname: '2 string',
    log_directory: '3 string',
    dns_config: '4 DNSConfig',
    port_mappings: '5 *PortMapping',
    labels: '6 map',
    annotations: '7 map',
    linux: '8 LinuxPodSandboxConfig',
  },
  RunPodSandboxRequest: { config: '1 PodSandboxConfig', runtime_handler: '2 string' },
  PodSandboxIdRequest: { pod_sandbox_id: '1 string' },
  PodSandboxIdResponse: { pod_sandbox_id: '1 string' },
  PodIP: { ip: '1 string' },
  PodSandboxNetworkStatus: { ip: '1 string', additional_ips: '2 *PodIP' },
  PodSandboxStatus: { id: '1 string', state: '3 int32', network: '5 PodSandboxNetworkStatus' },
  PodSandboxStatusResponse: { status: '1 PodSandboxStatus' },
  PodSandboxFilter: { id: '1 string', label_selector: '3 map' },
  ListPodSandboxRequest: { filter: '1 PodSandboxFilter' },
  PodSandbox: {
    id: '1 string',
    metadata: '2 PodSandboxMetadata',
    state: '3 int32',
    created_at: '4 int64',
    labels: '5 map',
    annotations: '6 map',
  },
  ListPodSandboxResponse: { items: '1 *PodSandbox' },

  ImageSpec: { image: '1 string', annotations: '2 map', user_specified_image: '18 string' },
  KeyValue: { key: '1 string', value: '2 string' },
  Mount: { container_path: '1 string', host_path: '2 string', readonly: '3 bool', propagation: '5 int32' },
  Device: { container_path: '1 string', host_path: '2 string', permissions: '3 string' },
  LinuxContainerResources: {
    cpu_period: '1 int64',
    cpu_quota: '2 int64',
    cpu_shares: '3 int64',
    memory_limit_in_bytes: '4 int64',
    oom_score_adj: '5 int64',
    unified: '9 map',
  },
  Capability: { add_capabilities: '1 *string', drop_capabilities: '2 *string' },
  LinuxContainerSecurityContext: {
    capabilities: '1 Capability',
    privileged: '2 bool',
    namespace_options: '3 NamespaceOption',
    run_as_user: '5 Int64Value',
    run_as_username: '6 string',
    readonly_rootfs: '7 bool',
    supplemental_groups: '8 *int64',
    no_new_privs: '11 bool',
    run_as_group: '12 Int64Value',
    masked_paths: '13 *string',
    readonly_paths: '14 *string',
    seccomp: '15 SecurityProfile',
  },
  LinuxContainerConfig: { resources: '1 LinuxContainerResources', security_context: '2 LinuxContainerSecurityContext' },
  ContainerMetadata: { name: '1 string', attempt: '2 uint32' },
  ContainerConfig: {
    metadata: '1 ContainerMetadata',
    image: '2 ImageSpec',
    command: '3 *string',
    args: '4 *string',
    working_dir: '5 string',
    envs: '6 *KeyValue',
    mounts: '7 *Mount',
    devices: '8 *Device',
    labels: '9 map',
    annotations: '10 map',
    log_path: '11 string',
    stdin: '12 bool',
    stdin_once: '13 bool',
    tty: '14 bool',
    linux: '15 LinuxContainerConfig',
  },
  CreateContainerRequest: {
    pod_sandbox_id: '1 string',
    config: '2 ContainerConfig',
    sandbox_config: '3 PodSandboxConfig',
  },
  ContainerIdRequest: { container_id: '1 string' },
  ContainerIdResponse: { container_id: '1 string' },
  StopContainerRequest: { container_id: '1 string', timeout: '2 int64' },
  ContainerFilter: { id: '1 string', pod_sandbox_id: '3 string', label_selector: '4 map' },
  ListContainersRequest: { filter: '1 ContainerFilter' },
  Container: {
    id: '1 string',
    pod_sandbox_id: '2 string',
    metadata: '3 ContainerMetadata',
    image: '4 ImageSpec',
    image_ref: '5 string',
    state: '6 int32',
    created_at: '7 int64',
    labels: '8 map',
    annotations: '9 map',
  },
  ListContainersResponse: { containers: '1 *Container' },
  ContainerStatus: {
    id: '1 string',
    state: '3 int32',
    created_at: '4 int64',
    started_at: '5 int64',
    finished_at: '6 int64',
    exit_code: '7 int32',
    image: '8 ImageSpec',
    image_ref: '9 string',
    reason: '10 string',
    message: '11 string',
    annotations: '13 map',
    log_path: '15 string',
  },
  ContainerStatusResponse: { status: '1 ContainerStatus' },
  ExecSyncRequest: { container_id: '1 string', cmd: '2 *string', timeout: '3 int64' },
  ExecSyncResponse: { stdout: '1 bytes', stderr: '2 bytes', exit_code: '3 int32' },
  ExecRequest: {
    container_id: '1 string',
    cmd: '2 *string',
    tty: '3 bool',
    stdin: '4 bool',
    stdout: '5 bool',
    stderr: '6 bool',
  },
  AttachRequest: { container_id: '1 string', stdin: '2 bool', tty: '3 bool', stdout: '4 bool', stderr: '5 bool' },
  PortForwardRequest: { pod_sandbox_id: '1 string', port: '2 *int32' },
  UrlResponse: { url: '1 string' },

  ImageFilter: { image: '1 ImageSpec' },
  ListImagesRequest: { filter: '1 ImageFilter' },
  Image: {
    id: '1 string',
    repo_tags: '2 *string',
    repo_digests: '3 *string',
    size: '4 uint64',
    uid: '5 Int64Value',
    username: '6 string',
    pinned: '8 bool',
  },
  ListImagesResponse: { images: '1 *Image' },
  ImageStatusRequest: { image: '1 ImageSpec' },
  ImageStatusResponse: { image: '1 Image' },
  AuthConfig: {
    username: '1 string',
    password: '2 string',
    auth: '3 string',
    server_address: '4 string',
    identity_token: '5 string',
    registry_token: '6 string',
  },
  PullImageRequest: { image: '1 ImageSpec', auth: '2 AuthConfig', sandbox_config: '3 PodSandboxConfig' },
  PullImageResponse: { image_ref: '1 string' },
  RemoveImageRequest: { image: '1 ImageSpec' },
  FilesystemIdentifier: { mountpoint: '1 string' },
  FilesystemUsage: {
    timestamp: '1 int64',
    fs_id: '2 FilesystemIdentifier',
    used_bytes: '3 UInt64Value',
    inodes_used: '4 UInt64Value',
  },
  ImageFsInfoResponse: { image_filesystems: '1 *FilesystemUsage' },

  ContainerStatsFilter: { id: '1 string', label_selector: '3 map' },
  ListContainerStatsRequest: { filter: '1 ContainerStatsFilter' },
  ContainerAttributes: { id: '1 string', metadata: '2 ContainerMetadata', labels: '3 map' },
  CpuUsage: { timestamp: '1 int64', usage_core_nano_seconds: '2 UInt64Value', usage_nano_cores: '3 UInt64Value' },
  MemoryUsage: {
    timestamp: '1 int64',
    working_set_bytes: '2 UInt64Value',
    usage_bytes: '4 UInt64Value',
    rss_bytes: '5 UInt64Value',
  },
  ContainerStats: {
    attributes: '1 ContainerAttributes',
    cpu: '2 CpuUsage',
    memory: '3 MemoryUsage',
    writable_layer: '4 FilesystemUsage',
  },
  ListContainerStatsResponse: { stats: '1 *ContainerStats' },
};

/** `method: 'request response'`. */
const SERVICES = {
  RuntimeService: {
    Version: 'VersionRequest VersionResponse',
    Status: 'StatusRequest StatusResponse',
    RuntimeConfig: 'Empty RuntimeConfigResponse',
    RunPodSandbox: 'RunPodSandboxRequest PodSandboxIdResponse',
    StopPodSandbox: 'PodSandboxIdRequest Empty',
    RemovePodSandbox: 'PodSandboxIdRequest Empty',
    PodSandboxStatus: 'PodSandboxIdRequest PodSandboxStatusResponse',
    ListPodSandbox: 'ListPodSandboxRequest ListPodSandboxResponse',
    CreateContainer: 'CreateContainerRequest ContainerIdResponse',
    StartContainer: 'ContainerIdRequest Empty',
    StopContainer: 'StopContainerRequest Empty',
    RemoveContainer: 'ContainerIdRequest Empty',
    ListContainers: 'ListContainersRequest ListContainersResponse',
    ContainerStatus: 'ContainerIdRequest ContainerStatusResponse',
    ReopenContainerLog: 'ContainerIdRequest Empty',
    ExecSync: 'ExecSyncRequest ExecSyncResponse',
    Exec: 'ExecRequest UrlResponse',
    Attach: 'AttachRequest UrlResponse',
    PortForward: 'PortForwardRequest UrlResponse',
    ListContainerStats: 'ListContainerStatsRequest ListContainerStatsResponse',
  },
  ImageService: {
    ListImages: 'ListImagesRequest ListImagesResponse',
    ImageStatus: 'ImageStatusRequest ImageStatusResponse',
    PullImage: 'PullImageRequest PullImageResponse',
    RemoveImage: 'RemoveImageRequest Empty',
    ImageFsInfo: 'Empty ImageFsInfoResponse',
  },
} as const;

export type RuntimeMethod = keyof (typeof SERVICES)['RuntimeService'];
export type ImageMethod = keyof (typeof SERVICES)['ImageService'];

/** The descriptors as protobuf.js reads them. */
export function criDescriptor(): object {
  const nested: Record<string, object> = {};
  for (const [name, fields] of Object.entries(MESSAGES)) {
    nested[name] = { fields: Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, field(text)])) };
  }
  for (const [name, methods] of Object.entries(SERVICES)) {
    const entries = Object.entries(methods).map(([method, text]) => {
      const [requestType, responseType] = text.split(' ');
      return [method, { requestType, responseType }];
    });
    nested[name] = { methods: Object.fromEntries(entries) };
  }
  return { nested: { runtime: { nested: { v1: { nested } } } } };
}

function field(text: string): object {
  const [id, type = ''] = text.split(' ');
  if (type === 'map') return { keyType: 'string', type: 'string', id: Number(id) };
  if (type.startsWith('*')) return { rule: 'repeated', type: type.slice(1), id: Number(id) };
  return { type, id: Number(id) };
}
