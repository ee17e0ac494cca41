import type { NodeInspection } from '../../kubelet/node-object.js';
import type { LocalImage } from '../../kubelet/image-puller.js';
import type { CriImage } from './messages.js';

/** As in the kubelet's node status: the largest images, each with a few of its names. */
const IMAGES_MAX = 50;
const NAMES_MAX = 5;

export function toLocalImage(image: CriImage | undefined): LocalImage | undefined {
  if (image === undefined) return undefined;
  const { id, size: sizeBytes, uid, username } = image;
  return { id, sizeBytes, user: { uid: uid?.value, name: username } };
}

/** What a node tells of its images. */
export function nodeImages(images: readonly CriImage[]): NodeInspection['images'] {
  return [...images]
    .sort((one, other) => other.size - one.size || (one.id < other.id ? -1 : 1))
    .slice(0, IMAGES_MAX)
    .map(({ id, repo_tags: tags, repo_digests: digests, size: sizeBytes }) => {
      const names = [...digests, ...tags].slice(0, NAMES_MAX);
      return { names: names.length > 0 ? names : [id], sizeBytes };
    });
}
