/** What a checker may spend before it gives up: see `CheckOptions`. */
export interface Budget {
  readonly stepsMax: number
  readonly memoryBytesMax: number
}
