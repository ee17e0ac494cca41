import type { V1PersistentVolumeSpec, V1Volume } from '../../../../../lib/schema/generated/types.js';
import { defaultPullPolicy } from './defaults.js';

const FILE_MODE = 0o644;
const TOKEN_EXPIRATION_SECONDS = 3600;

/** Fills in a volume's source. A volume without any becomes an empty directory. */
export function defaultVolume(volume: V1Volume): void {
  const hasSource = Object.entries(volume).some(
    ([key, value]) => key !== 'name' && value !== undefined && value !== null,
  );
  if (!hasSource) volume.emptyDir = {};
  if (volume.secret !== undefined) volume.secret.defaultMode ??= FILE_MODE;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= FILE_MODE;
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= FILE_MODE;
    defaultDownwardFiles(volume.downwardAPI.items);
  }
  if (volume.projected !== undefined) {
    volume.projected.defaultMode ??= FILE_MODE;
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken !== undefined) {
        source.serviceAccountToken.expirationSeconds ??= TOKEN_EXPIRATION_SECONDS;
      }
      defaultDownwardFiles(source.downwardAPI?.items);
    }
  }
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim?.spec !== undefined) claim.spec.volumeMode ??= 'Filesystem';
  if (volume.image !== undefined) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
  defaultVolumeSource(volume);
}

function defaultDownwardFiles(items: { fieldRef?: { apiVersion?: string } }[] | undefined): void {
  for (const item of items ?? []) if (item.fieldRef !== undefined) item.fieldRef.apiVersion ||= 'v1';
}

/** The sources that pods' volumes and persistent volumes share. */
export function defaultVolumeSource(
  source: Pick<V1Volume & V1PersistentVolumeSpec, 'hostPath' | 'azureDisk'> & {
    iscsi?: { iscsiInterface?: string };
    rbd?: { pool?: string; user?: string; keyring?: string };
    scaleIO?: { storageMode?: string; fsType?: string };
  },
): void {
  if (source.hostPath !== undefined) source.hostPath.type ??= '';
  if (source.iscsi !== undefined) source.iscsi.iscsiInterface ||= 'default';
  if (source.rbd !== undefined) {
    source.rbd.pool ||= 'rbd';
    source.rbd.user ||= 'admin';
    source.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (source.azureDisk !== undefined) {
    source.azureDisk.cachingMode ??= 'ReadWrite';
    source.azureDisk.kind ??= 'Shared';
    source.azureDisk.fsType ??= 'ext4';
    source.azureDisk.readOnly ??= false;
  }
  if (source.scaleIO !== undefined) {
    source.scaleIO.storageMode ||= 'ThinProvisioned';
    source.scaleIO.fsType ||= 'xfs';
  }
}
