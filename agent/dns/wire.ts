/** Sizes and marks of messages, RFC 1035. */
export const HEADER_BYTES = 12;
export const NAME_BYTES_MAX = 255;
export const LABEL_BYTES_MAX = 63;
/** The first byte of a pointer to an earlier name has its two highest bits set. */
export const POINTER = 0xc0;
export const POINTER_MAX = 0x3fff;
export const OPT_BYTES = 11;

/** Bits of the second word of a header. */
export const FLAG = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursion: 0x0100,
  available: 0x0080,
};
