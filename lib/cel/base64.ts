const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes of a standard base64 text; undefined when it is none. */
export function base64ToBytes(text: string): Uint8Array | undefined {
  const plain = text.replace(/[\r\n]/g, '');
  return BASE64.test(plain) ? Uint8Array.from(Buffer.from(plain, 'base64')) : undefined;
}
