const DAY_MS = 24 * 60 * 60 * 1_000;

/** How long a cluster's CA is valid, as with kubeadm. */
export const CA_VALIDITY_MS = 3_650 * DAY_MS;

/** How long a certificate that the cluster issues is valid, as with kubeadm. */
export const CERTIFICATE_VALIDITY_MS = 365 * DAY_MS;

/** Certificates are valid from a little before they are made, since clocks differ. */
export const CLOCK_SKEW_MS = 5 * 60 * 1_000;

/** A certificate is due for renewal once less than this part of its validity is left. */
export const RENEWAL_FRACTION = 0.2;

/** Length of a serial number; 20 is the standard's limit. */
export const SERIAL_NUMBER_BYTES = 16;
