import type { Clock } from '../lib/clock/clock.js';
import type { Random } from '../lib/random.js';
import {
  CertificateAuthority,
  createCertificateAuthority,
  isIssuedBy,
  needsRenewal,
  type CertificateAndKey,
} from '../lib/pki/index.js';
import type { SecretFiles } from './secret-files.js';

/** The cluster's certificate authority and what it has issued, made when first needed and found again at the next start. */
export class ClusterPki {
  readonly authority: CertificateAuthority;
  readonly #files: SecretFiles;
  readonly #clock: Clock;

  private constructor(authority: CertificateAuthority, files: SecretFiles, clock: Clock) {
    this.authority = authority;
    this.#files = files;
    this.#clock = clock;
  }

  static async open(files: SecretFiles, context: { clock: Clock; random: Random }): Promise<ClusterPki> {
    const certificate = files.read('ca.crt');
    const privateKey = files.read('ca.key');
    if (certificate !== undefined && privateKey !== undefined) {
      return new ClusterPki(new CertificateAuthority({ certificate, privateKey }, context), files, context.clock);
    }
    const made = await createCertificateAuthority(context);
    files.write('ca.key', made.privateKey);
    files.write('ca.crt', made.certificate);
    return new ClusterPki(new CertificateAuthority(made, context), files, context.clock);
  }

  /** The API server's certificate; made anew when it nears its end or lacks a name. */
  server(names: { dnsNames: string[]; ipAddresses: string[] }): Promise<CertificateAndKey> {
    return this.#kept('apiserver', names, () => this.authority.issueServer({ commonName: 'kube-apiserver' }, names));
  }

  /** The administrator: in the group that may do everything. */
  admin(): Promise<CertificateAndKey> {
    return this.#kept('admin', {}, () =>
      this.authority.issueClient({ commonName: 'kubernetes-admin', organizations: ['system:masters'] }),
    );
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
    return this.#kept('apiserver-kubelet-client', {}, () =>
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
    issue: () => Promise<CertificateAndKey>,
  ): Promise<CertificateAndKey> {
    const certificate = this.#files.read(`${name}.crt`);
    const privateKey = this.#files.read(`${name}.key`);
    if (certificate !== undefined && privateKey !== undefined && this.#isGood(certificate, names)) {
      return { certificate, privateKey };
    }
    const made = await issue();
    this.#files.write(`${name}.key`, made.privateKey);
    this.#files.write(`${name}.crt`, made.certificate);
    return made;
  }

  #isGood(certificate: string, names: { dnsNames?: string[]; ipAddresses?: string[] }): boolean {
    return !needsRenewal(certificate, this.#clock, names) && isIssuedBy(certificate, this.authority.certificate);
  }
}
