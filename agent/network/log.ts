/** Fixed message, data in keys; the same shape as the kubelet's. */
export type Log = (level: 'info' | 'warn', message: string, data: Record<string, unknown>) => void;
