/** Whether faults happen. One for a whole world: when the storm is over, it is over everywhere. */
export class Weather {
  isStormy = false;
  /** Components of a control plane that is about to die: much of what they send will arrive after its death. */
  failing: readonly string[] = [];
}
