import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../../lib/api/field-errors.js';
import type {
  V1Container,
  V1HTTPGetAction,
  V1LifecycleHandler,
  V1Probe,
  V1SleepAction,
} from '../../../../../lib/schema/generated/types.js';
import {
  formatErrors,
  isHttpHeaderName,
  MUST_BE_POSITIVE,
  nonNegativeErrors,
  portNumberOrNameErrors,
} from '../formats.js';

type Handler = V1Probe & V1LifecycleHandler;

/** Lifecycle hooks and probes of a container that runs for the life of its pod. */
export function validateHooksAndProbes(
  container: V1Container,
  path: string,
  graceSeconds: number | undefined,
): FieldError[] {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  const errors: FieldError[] = [];
  if (lifecycle?.postStart !== undefined) {
    errors.push(...validateHandler(lifecycle.postStart, `${path}.lifecycle.postStart`, graceSeconds));
  }
  if (lifecycle?.preStop !== undefined) {
    errors.push(...validateHandler(lifecycle.preStop, `${path}.lifecycle.preStop`, graceSeconds));
  }
  if (livenessProbe !== undefined) {
    errors.push(
      ...validateProbe(livenessProbe, `${path}.livenessProbe`),
      ...successOnce(livenessProbe, `${path}.livenessProbe`),
    );
  }
  if (readinessProbe !== undefined) {
    errors.push(...validateProbe(readinessProbe, `${path}.readinessProbe`));
    if (readinessProbe.terminationGracePeriodSeconds !== undefined) {
      errors.push(
        invalid(
          `${path}.readinessProbe.terminationGracePeriodSeconds`,
          readinessProbe.terminationGracePeriodSeconds,
          'must not be set for readinessProbes',
        ),
      );
    }
  }
  if (startupProbe !== undefined) {
    errors.push(
      ...validateProbe(startupProbe, `${path}.startupProbe`),
      ...successOnce(startupProbe, `${path}.startupProbe`),
    );
  }
  if (lifecycle?.stopSignal !== undefined)
    errors.push(...stopSignalErrors(lifecycle.stopSignal, `${path}.lifecycle.stopSignal`));
  return errors;
}

function successOnce(probe: V1Probe, path: string): FieldError[] {
  return probe.successThreshold === 1
    ? []
    : [invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1')];
}

function validateProbe(probe: V1Probe, path: string): FieldError[] {
  const errors = validateHandler(probe, path, undefined);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.push(...nonNegativeErrors(`${path}.${field}`, probe[field]));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, MUST_BE_POSITIVE));
  }
  return errors;
}

function validateHandler(handler: Handler, path: string, graceSeconds: number | undefined): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  const check = (kind: string, validate: (at: string) => FieldError[]): void => {
    const at = `${path}.${kind}`;
    if (found) errors.push(forbidden(at, 'may not specify more than 1 handler type'));
    else errors.push(...validate(at));
    found = true;
  };
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec !== undefined) {
    check('exec', (at) => ((exec.command ?? []).length === 0 ? [required(`${at}.command`)] : []));
  }
  if (httpGet !== undefined) check('httpGet', (at) => validateHttpGet(httpGet, at));
  if (tcpSocket !== undefined) check('tcpSocket', (at) => portNumberOrNameErrors(`${at}.port`, tcpSocket.port));
  if (grpc !== undefined) check('grpc', (at) => portNumberOrNameErrors(`${at}.port`, grpc.port));
  if (sleep !== undefined) check('sleep', (at) => validateSleep(sleep, at, graceSeconds));
  if (!found) errors.push(required(path, 'must specify a handler type'));
  return errors;
}

function validateHttpGet(httpGet: V1HTTPGetAction, path: string): FieldError[] {
  const errors: FieldError[] = (httpGet.path ?? '') === '' ? [required(`${path}.path`)] : [];
  errors.push(...portNumberOrNameErrors(`${path}.port`, httpGet.port));
  if (httpGet.scheme !== 'HTTP' && httpGet.scheme !== 'HTTPS') {
    errors.push(notSupported(`${path}.scheme`, httpGet.scheme ?? '', ['HTTP', 'HTTPS']));
  }
  for (const header of httpGet.httpHeaders ?? []) {
    errors.push(...formatErrors(`${path}.httpHeaders`, header.name ?? '', isHttpHeaderName));
  }
  return errors;
}

function validateSleep(sleep: V1SleepAction, path: string, graceSeconds: number | undefined): FieldError[] {
  const seconds = sleep.seconds ?? 0;
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return [];
  return [invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)];
}

function stopSignalErrors(signal: string, path: string): FieldError[] {
  return /^SIG[A-Z0-9+-]+$/.test(signal) ? [] : [invalid(path, signal, 'must be a valid signal name, as SIGTERM')];
}
