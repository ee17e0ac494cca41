/** Whether faults happen. One for a whole world: when the storm is over, it is over everywhere. */
export class Weather {
  isStormy = false;
}
