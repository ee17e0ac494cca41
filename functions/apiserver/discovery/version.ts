import { arch, platform } from 'node:os';

/** The Kubernetes version whose schemas are served. */
export const KUBERNETES_VERSION = { major: '1', minor: '36', patch: '0' } as const;

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** version.Info, as `kubectl version` shows it. */
export function versionInfo(): object {
  const { major, minor, patch } = KUBERNETES_VERSION;
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${major}.${minor}.${patch}+zeroplane`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: `node${process.versions.node}`,
    compiler: 'v8',
    platform: `${platform()}/${ARCHITECTURES[arch()] ?? arch()}`,
  };
}
