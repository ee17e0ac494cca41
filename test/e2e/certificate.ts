import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../lib/clock/system.js';
import { createCertificateAuthority } from '../../lib/pki/index.js';
import { systemRandom } from '../../lib/random.js';

/** A certificate and its key, in files of the folder. */
export async function selfSignedCertificate(
  folder: string,
): Promise<{ certificate: string; certificateFile: string; keyFile: string }> {
  const { certificate, privateKey } = await createCertificateAuthority({ clock: systemClock, random: systemRandom() });
  const certificateFile = path.join(folder, 'tls.crt');
  const keyFile = path.join(folder, 'tls.key');
  writeFileSync(certificateFile, certificate);
  writeFileSync(keyFile, privateKey);
  return { certificate, certificateFile, keyFile };
}
