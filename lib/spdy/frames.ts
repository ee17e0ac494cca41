/** Frames of SPDY/3.1 (draft 3.1, section 2.2): eight bytes of head, then up to 2^24 - 1 bytes. */
export const FRAME_HEAD_BYTES = 8;

export const CONTROL = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const FLAG_FIN = 1;
const VERSION = 3;

export interface DataFrame {
  readonly kind: 'data';
  readonly streamId: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export interface ControlFrame {
  readonly kind: 'control';
  readonly version: number;
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** The frame at the start of the bytes, with its size; undefined when it is not whole yet. */
export function readFrame(bytes: Buffer): { frame: DataFrame | ControlFrame; size: number } | undefined {
  if (bytes.byteLength < FRAME_HEAD_BYTES) return undefined;
  const length = payloadLength(bytes);
  const size = FRAME_HEAD_BYTES + length;
  if (bytes.byteLength < size) return undefined;
  const first = bytes.readUInt32BE(0);
  const flags = bytes[4] as number;
  const payload = bytes.subarray(FRAME_HEAD_BYTES, size);
  if (first < 0x80000000) return { frame: { kind: 'data', streamId: first, flags, payload }, size };
  return { frame: { kind: 'control', version: (first >>> 16) & 0x7fff, type: first & 0xffff, flags, payload }, size };
}

/** Of the frame whose head is there. */
export function payloadLength(head: Buffer): number {
  return head.readUIntBE(5, 3);
}

export function dataFrame(streamId: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(streamId);
  head[4] = flags;
  head.writeUIntBE(payload.byteLength, 5, 3);
  return Buffer.concat([head, payload]);
}

export function controlFrame(type: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE((0x80000000 | (VERSION << 16) | type) >>> 0);
  head[4] = flags;
  head.writeUIntBE(payload.byteLength, 5, 3);
  return Buffer.concat([head, payload]);
}
