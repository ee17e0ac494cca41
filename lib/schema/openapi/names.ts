/** Names that clients' generators rely on: `createAppsV1NamespacedDeployment`, tag `apps_v1`. */

/** `RbacAuthorization` for rbac.authorization.k8s.io, `Core` for the core group. */
export function groupName(group: string): string {
  if (group === '') return 'Core';
  return group
    .replace(/\.k8s\.io$/, '')
    .split(/[.-]/)
    .map(capitalised)
    .join('');
}

/** Of operations on a group's discovery: `apps`. */
export function groupTag(group: string): string {
  const name = groupName(group);
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

export function versionTag(group: string, version: string): string {
  return `${groupTag(group)}_${version}`;
}

/** `AppsV1` */
export function groupVersionName(group: string, version: string): string {
  return groupName(group) + capitalised(version);
}

export function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
