const PERCENTAGE = 'A number of pods (5) or a percentage of the desired ones (10%).';
const PROBED_PORT = 'Number or name of the port of the container. A number must be in the range 1 to 65535.';

/** Our own words for fields of which the models have only the text of their type: by the short name of the definition. */
export const FIELD_TEXTS: Readonly<Record<string, string>> = {
  'RollingUpdateDaemonSet.maxUnavailable': `How many pods may be unavailable during the update. ${PERCENTAGE} Cannot be 0 if maxSurge is 0. Default: 1.`,
  'RollingUpdateDaemonSet.maxSurge': `How many nodes may have an updated pod beside the old one during the update. ${PERCENTAGE} Cannot be 0 if maxUnavailable is 0. Default: 0.`,
  'RollingUpdateDeployment.maxUnavailable': `How many pods may be unavailable during the update. ${PERCENTAGE} Percentages are rounded down. Cannot be 0 if maxSurge is 0. Default: 25%.`,
  'RollingUpdateDeployment.maxSurge': `How many pods there may be above the desired number during the update. ${PERCENTAGE} Percentages are rounded up. Cannot be 0 if maxUnavailable is 0. Default: 25%.`,
  'RollingUpdateStatefulSetStrategy.maxUnavailable': `How many pods may be unavailable during the update. ${PERCENTAGE} Percentages are rounded up. Cannot be 0. Default: 1.`,
  'PodDisruptionBudgetSpec.minAvailable': `An eviction is allowed if so many of the selected pods are still available after it. ${PERCENTAGE}`,
  'PodDisruptionBudgetSpec.maxUnavailable': `An eviction is allowed if no more than so many of the selected pods are unavailable after it. ${PERCENTAGE} Excludes minAvailable.`,
  'HTTPGetAction.port': PROBED_PORT,
  'TCPSocketAction.port': PROBED_PORT,
  'ServicePort.targetPort':
    'Number or name of the port of the pods behind the service. A name is looked up among the ports of the containers. Default: the value of port.',
  'NetworkPolicyPort.port': 'Number or name of the port of the pods. Default: all ports of the protocol.',
  'LeaseSpec.acquireTime': 'When the present holder acquired the lease.',
  'LeaseSpec.renewTime': 'When the present holder last renewed the lease.',
  'ContainerStateRunning.startedAt': 'When the container was last started.',
  'ContainerStateTerminated.startedAt': 'When the container was started.',
  'ContainerStateTerminated.finishedAt': 'When the container ended.',
  'Event.eventTime': 'When the event was first observed.',
  'EventSeries.lastObservedTime': 'When the event was last observed.',
  'ManagedFieldsEntry.time': 'When the manager last changed a field of its own.',
};
