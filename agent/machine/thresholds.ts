/** Less free memory than this is pressure, as the kubelet has it. */
export const MEMORY_RESERVED_BYTES = 100 * 1024 * 1024;

/** Less free storage than a tenth is pressure, as the kubelet has it; on large disks of machines that are not only a node, this is enough. */
const STORAGE_RESERVED_PART = 0.1;
const STORAGE_RESERVED_MAX_BYTES = 5 * 1024 ** 3;

/** A twentieth of the inodes. */
export const INODES_RESERVED_PART = 0.05;

/** What must stay free of so much storage. */
export function storageReserve(totalBytes: number): number {
  return Math.floor(Math.min(totalBytes * STORAGE_RESERVED_PART, STORAGE_RESERVED_MAX_BYTES));
}

/** The machine is looked at so often, as the kubelet's eviction monitor does. */
export const PRESSURE_INTERVAL_MS = 10_000;

/** A pressure is told for so long after it was seen last, as the kubelet's transition period, so that nodes do not flap. */
export const PRESSURE_HELD_MS = 60_000;

/** After an eviction what it freed has to show before the next. */
export const EVICTION_PAUSE_MS = 20_000;

/** Images are cleaned up above the first part of their file system, down to the second; as the kubelet's. */
export const IMAGES_HIGH_PART = 0.85;
export const IMAGES_LOW_PART = 0.8;

/** No image is removed that was pulled more recently. */
export const IMAGE_AGE_MIN_MS = 2 * 60_000;

/** Leftovers and images are looked for so often. */
export const CLEANUP_INTERVAL_MS = 60_000;
