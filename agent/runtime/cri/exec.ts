import type { ExecCommand } from '../../kubelet/probes/probe.js';
import { isCriError, type CriConnection } from './connection.js';

/** Beyond the command's own time. */
const MARGIN_MS = 5_000;

/** What is kept of what a command prints, as the kubelet does. */
const OUTPUT_MAX_BYTES = 10 * 1024;

/** Commands of probes and hooks. */
export function criExec(connection: CriConnection): ExecCommand {
  return async (containerId, command, timeoutMs) => {
    const timeout = Math.max(1, Math.ceil(timeoutMs / 1000));
    try {
      const answer = await connection.runtime<{ stdout: Buffer; stderr: Buffer; exit_code: number }>(
        'ExecSync',
        { container_id: containerId, cmd: command, timeout },
        { timeoutMs: timeoutMs + MARGIN_MS },
      );
      const output = Buffer.concat([answer.stdout, answer.stderr]).subarray(0, OUTPUT_MAX_BYTES);
      return { exitCode: answer.exit_code, output: output.toString('utf8') };
    } catch (error) {
      if (!isCriError(error, 'DeadlineExceeded')) throw error;
      throw new Error(`command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeout}s`, {
        cause: error,
      });
    }
  };
}
