/** Whether faults happen. One for a whole world: when the storm is over, it is over everywhere. */
export class Weather {
  isStormy = false;
  /** The control plane is about to die: much of what it sends will arrive after its death. */
  isControlPlaneFailing = false;
}
