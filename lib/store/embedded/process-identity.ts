import { readFileSync } from 'node:fs';

/** A process, told apart from a later one with the same id. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in ticks since the boot; absent where the system does not tell. */
  startTicks?: string;
  /** Which boot of the machine; absent where the system does not tell. */
  bootId?: string;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, startTicks: readStartTicks(process.pid), bootId: readBootId() };
}

/** Whether that very process still runs. Doubt counts as yes. */
export function isAlive(identity: ProcessIdentity): boolean {
  const bootId = readBootId();
  if (bootId !== undefined && identity.bootId !== undefined && bootId !== identity.bootId) return false;
  if (!answersSignals(identity.pid)) return false;
  if (identity.startTicks === undefined) return true;
  const stat = readStat(identity.pid);
  // It may have gone since it was asked, or belong to a user whose processes are hidden from this one.
  if (stat === undefined) return answersSignals(identity.pid);
  return stat.startTicks === identity.startTicks && !stat.ended;
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function readStartTicks(pid: number): string | undefined {
  return readStat(pid)?.startTicks;
}

/** Fields 3 and 22 of /proc/PID/stat (man 5 proc). Field 2, the name, may hold spaces and parentheses. */
function readStat(pid: number): { startTicks: string; ended: boolean } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (startTicks === undefined) return undefined;
  // A zombie holds nothing any more; it only waits for its parent.
  return { startTicks, ended: state === 'Z' || state === 'X' };
}

function readBootId(): string | undefined {
  return readText('/proc/sys/kernel/random/boot_id')?.trim();
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
