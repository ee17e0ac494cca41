import { execFile } from 'node:child_process';
import type { Clock } from '../lib/clock/clock.js';
import { UserError } from './errors.js';

/** `users[].user.exec` of a kubeconfig. */
export interface ExecPlugin {
  apiVersion: string;
  command: string;
  args?: string[];
  env?: { name: string; value: string }[];
}

/** How long the plugin may take: it may have to ask AWS for a role. */
const PLUGIN_TIMEOUT_MS = 30_000;
const PLUGIN_OUTPUT_MAX_BYTES = 1_048_576;

/** A token is renewed so long before it expires, so that it does not expire on the way. */
const RENEWAL_MARGIN_MS = 30_000;

/** Gives the token of a credential plugin, and runs it again when the last one nears its end. Many who ask at one time wait for one run. */
export function execToken(plugin: ExecPlugin, { clock }: { clock: Clock }): () => Promise<string> {
  let present: { token: string; expiresMs: number } | undefined;
  let running: Promise<string> | undefined;
  return async () => {
    if (present !== undefined && clock.now() < present.expiresMs - RENEWAL_MARGIN_MS) return present.token;
    running ??= run(plugin)
      .then((fresh) => {
        present = fresh;
        return fresh.token;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}

async function run(plugin: ExecPlugin): Promise<{ token: string; expiresMs: number }> {
  const { command, args = [], env = [], apiVersion } = plugin;
  const info = { kind: 'ExecCredential', apiVersion, spec: { interactive: false } };
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      command,
      args,
      {
        env: {
          ...process.env,
          ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
          KUBERNETES_EXEC_INFO: JSON.stringify(info),
        },
        timeout: PLUGIN_TIMEOUT_MS,
        maxBuffer: PLUGIN_OUTPUT_MAX_BYTES,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        // The message of the error repeats the command line, the plugin's own says what is wrong.
        else reject(new UserError(`the credential plugin ${command} failed: ${stderr.trim() || error.message}`));
      },
    );
  });
  let answer: { status?: { token?: unknown; expirationTimestamp?: unknown } };
  try {
    answer = JSON.parse(output) as typeof answer;
  } catch {
    throw new UserError(`the credential plugin ${command} did not print an ExecCredential`);
  }
  const { token, expirationTimestamp } = answer.status ?? {};
  if (typeof token !== 'string' || token === '')
    throw new UserError(`the credential plugin ${command} printed an ExecCredential without a token`);
  const expiresMs = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Infinity;
  return { token, expiresMs: Number.isNaN(expiresMs) ? Infinity : expiresMs };
}
