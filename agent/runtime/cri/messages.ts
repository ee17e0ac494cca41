/** What CRI's messages look like in JavaScript: see schema.ts. Times are nanoseconds since the epoch. */

export interface Int64Value {
  value: number;
}

export interface StatusResponse {
  status: { conditions: { type: string; status: boolean; reason: string; message: string }[] } | null;
  /** JSON by topic: `config` has the runtime's own configuration. */
  info: Record<string, string>;
}

export interface PodSandbox {
  id: string;
  metadata: { name: string; uid: string; namespace: string; attempt: number } | null;
  state: number;
  created_at: number;
  labels: Record<string, string>;
}

export const SANDBOX_READY = 0;

export interface PodSandboxStatus {
  id: string;
  state: number;
  network: { ip: string; additional_ips: { ip: string }[] } | null;
}

export interface CriContainer {
  id: string;
  pod_sandbox_id: string;
  metadata: { name: string; attempt: number } | null;
  image: { image: string; user_specified_image: string } | null;
  image_ref: string;
  state: number;
  created_at: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export const CONTAINER_CREATED = 0;
export const CONTAINER_RUNNING = 1;
export const CONTAINER_EXITED = 2;

export interface CriContainerStatus {
  id: string;
  state: number;
  created_at: number;
  started_at: number;
  finished_at: number;
  exit_code: number;
  image: { image: string; user_specified_image: string } | null;
  image_ref: string;
  reason: string;
  message: string;
  annotations: Record<string, string>;
  log_path: string;
}

export interface CriImage {
  id: string;
  repo_tags: string[];
  repo_digests: string[];
  size: number;
  uid: Int64Value | null;
  username: string;
  pinned: boolean;
}

export interface FilesystemUsage {
  timestamp: number;
  fs_id: { mountpoint: string } | null;
  used_bytes: Int64Value | null;
  inodes_used: Int64Value | null;
}

export interface CriContainerStats {
  attributes: { id: string; metadata: { name: string } | null; labels: Record<string, string> } | null;
  cpu: { timestamp: number; usage_core_nano_seconds: Int64Value | null; usage_nano_cores: Int64Value | null } | null;
  memory: {
    timestamp: number;
    working_set_bytes: Int64Value | null;
    usage_bytes: Int64Value | null;
    rss_bytes: Int64Value | null;
  } | null;
  writable_layer: FilesystemUsage | null;
}
