/** Wire types of the protobuf encoding. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const START_GROUP = 3;
export const END_GROUP = 4;
export const FIXED32 = 5;

/** What a Kubernetes protobuf body begins with: `k8s` and a zero byte. */
export const MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00];

export function hasMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}
