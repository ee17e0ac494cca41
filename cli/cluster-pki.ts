import type { Clock } from '../lib/clock/clock.js';
import type { Random } from '../lib/random.js';
import {
  CertificateAuthority,
  createCertificateAuthority,
  isIssuedBy,
  needsRenewal,
  type CertificateAndKey,
} from '../lib/pki/index.js';
import { FRONT_PROXY_NAME } from '../functions/apiserver/auth/users.js';
import type { SecretFiles } from './secret-files.js';

/** The cluster's certificate authority and what it has issued, made when first needed and found again at the next start. */
export class ClusterPki {
  readonly authority: CertificateAuthority;
  readonly #files: SecretFiles;
  readonly #context: { clock: Clock; random: Random };

  private constructor(authority: CertificateAuthority, files: SecretFiles, context: { clock: Clock; random: Random }) {
    this.authority = authority;
    this.#files = files;
    this.#context = context;
  }

  static async open(files: SecretFiles, context: { clock: Clock; random: Random }): Promise<ClusterPki> {
    return new ClusterPki(await openAuthority(files, 'ca', context), files, context);
  }

  /** The API server's certificate; made anew when it nears its end or lacks a name. */
  server(names: { dnsNames: string[]; ipAddresses: string[] }): Promise<CertificateAndKey> {
    return this.#kept('apiserver', names, this.authority, () =>
      this.authority.issueServer({ commonName: 'kube-apiserver' }, names),
    );
  }

  /** The administrator: in the group that may do everything. */
  admin(): Promise<CertificateAndKey> {
    return this.#kept('admin', {}, this.authority, () =>
      this.authority.issueClient({ commonName: 'kubernetes-admin', organizations: ['system:masters'] }),
    );
  }

  /**
   * The identity towards API servers behind ours, of a CA of its own: whoever holds a certificate of that CA can say that a request comes
   * from anybody.
   */
  async frontProxy(): Promise<{ caCertificate: string; identity: { cert: string; key: string } }> {
    const authority = await openAuthority(this.#files, 'front-proxy-ca', this.#context);
    const { certificate, privateKey } = await this.#kept('front-proxy-client', {}, authority, () =>
      authority.issueClient({ commonName: FRONT_PROXY_NAME }),
    );
    return { caCertificate: authority.certificate, identity: { cert: certificate, key: privateKey } };
  }

  /**
   * A node's identity, as the node authoriser knows it, and with which the node's own server answers to its name. Not kept: whoever asks
   * gets a fresh one.
   */
  node(name: string): Promise<CertificateAndKey> {
    return this.authority.issue(
      { commonName: `system:node:${name}`, organizations: ['system:nodes'] },
      { usages: ['client', 'server'], names: { dnsNames: [name], ipAddresses: [] } },
    );
  }

  /** What the API server shows to kubelets. */
  kubeletClient(): Promise<CertificateAndKey> {
    return this.#kept('apiserver-kubelet-client', {}, this.authority, () =>
      this.authority.issueClient({ commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] }),
    );
  }

  /** What a node's agent serves with. Not kept: whoever asks gets a fresh one. */
  nodeServer(name: string, ipAddresses: string[]): Promise<CertificateAndKey> {
    const subject = { commonName: `system:node:${name}`, organizations: ['system:nodes'] };
    return this.authority.issueServer(subject, { dnsNames: [name], ipAddresses });
  }

  async #kept(
    name: string,
    names: { dnsNames?: string[]; ipAddresses?: string[] },
    authority: CertificateAuthority,
    issue: () => Promise<CertificateAndKey>,
  ): Promise<CertificateAndKey> {
    const certificate = this.#files.read(`${name}.crt`);
    const privateKey = this.#files.read(`${name}.key`);
    if (certificate !== undefined && privateKey !== undefined && this.#isGood(certificate, names, authority)) {
      return { certificate, privateKey };
    }
    const made = await issue();
    this.#files.write(`${name}.key`, made.privateKey);
    this.#files.write(`${name}.crt`, made.certificate);
    return made;
  }

  #isGood(
    certificate: string,
    names: { dnsNames?: string[]; ipAddresses?: string[] },
    authority: CertificateAuthority,
  ): boolean {
    return !needsRenewal(certificate, this.#context.clock, names) && isIssuedBy(certificate, authority.certificate);
  }
}

/** An authority of that name, made when first needed. */
async function openAuthority(
  files: SecretFiles,
  name: string,
  context: { clock: Clock; random: Random },
): Promise<CertificateAuthority> {
  const certificate = files.read(`${name}.crt`);
  const privateKey = files.read(`${name}.key`);
  if (certificate !== undefined && privateKey !== undefined) {
    return new CertificateAuthority({ certificate, privateKey }, context);
  }
  const made = await createCertificateAuthority(context, { commonName: `zeroplane-${name}` });
  files.write(`${name}.key`, made.privateKey);
  files.write(`${name}.crt`, made.certificate);
  return new CertificateAuthority(made, context);
}
