/** The store's name of all objects of a custom resource, whatever their versions. */
export function realCollection(group: string, plural: string): string {
  return `${group}/${plural}`;
}

/** The same objects, seen in one version. */
export function versionedCollection(group: string, plural: string, version: string): string {
  return `${realCollection(group, plural)}@${version}`;
}
