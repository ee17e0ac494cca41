import { open } from 'node:fs/promises';
import type { RealContainer } from '../runtime.js';
import { TERMINATION_LOG_MAX_BYTES, TERMINATION_LOG_MAX_LINES, TERMINATION_MESSAGE_MAX_BYTES } from './limits.js';

/**
 * What a container left as its last word, as the kubelet reads it: the message file, or the end of the log when that is empty and the
 * container failed. After what the runtime itself said.
 */
export async function terminationMessage(options: {
  source: RealContainer['terminationMessage'] | undefined;
  exitCode: number;
  runtimeMessage: string;
  logFile: string;
}): Promise<string> {
  const { source, exitCode, runtimeMessage, logFile } = options;
  if (source === undefined) return runtimeMessage;
  let message = await head(source.hostPath, TERMINATION_MESSAGE_MAX_BYTES);
  if (message === '' && source.fallbackToLogs && exitCode !== 0) message = await logEnd(logFile);
  if (runtimeMessage === '' || message === '') return runtimeMessage + message;
  return `${runtimeMessage}: ${message}`;
}

async function head(file: string, maxBytes: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const buffer = Buffer.alloc(maxBytes);
    const { bytesRead } = await handle.read(buffer, 0, maxBytes, 0);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}

/** Each line of a log has a prefix of less than this. */
const PREFIX_MAX_BYTES = 64;

async function logEnd(file: string): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, TERMINATION_LOG_MAX_BYTES + TERMINATION_LOG_MAX_LINES * PREFIX_MAX_BYTES);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, size - length);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n').slice(0, -1);
    const texts = lines.slice(-TERMINATION_LOG_MAX_LINES).map((line) => {
      const match = /^\S+ (?:stdout|stderr) (\S+) ?(.*)$/s.exec(line);
      return match === null ? '' : `${match[2] ?? ''}${match[1]?.startsWith('P') ? '' : '\n'}`;
    });
    return Buffer.from(texts.join('')).subarray(-TERMINATION_LOG_MAX_BYTES).toString('utf8');
  } finally {
    await handle.close();
  }
}
