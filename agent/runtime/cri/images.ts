import { isCriError, type CriConnection } from './connection.js';
import { LIST_TIMEOUT_MS } from './limits.js';
import type { CriImage, FilesystemUsage } from './messages.js';

/** The images of a CRI runtime. */
export class CriImages {
  readonly #connection: CriConnection;

  constructor(connection: CriConnection) {
    this.#connection = connection;
  }

  /** Undefined when it is not here. Throws `CriError` when the name is none. */
  async find(image: string): Promise<CriImage | undefined> {
    try {
      const answer = await this.#connection.images<{ image: CriImage | null }>(
        'ImageStatus',
        { image: { image } },
        { timeoutMs: LIST_TIMEOUT_MS },
      );
      return answer.image ?? undefined;
    } catch (error) {
      if (isCriError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async list(): Promise<CriImage[]> {
    const { images } = await this.#connection.images<{ images: CriImage[] }>(
      'ListImages',
      {},
      { timeoutMs: LIST_TIMEOUT_MS },
    );
    return images;
  }

  async remove(id: string): Promise<void> {
    await this.#connection.images('RemoveImage', { image: { image: id } });
  }

  async filesystem(): Promise<FilesystemUsage | undefined> {
    const { image_filesystems: all } = await this.#connection.images<{ image_filesystems: FilesystemUsage[] }>(
      'ImageFsInfo',
      {},
      { timeoutMs: LIST_TIMEOUT_MS },
    );
    return all[0];
  }
}
