/** What a member knows of everything on its disk, by reading it through now and then. */
export interface ScrubStatus {
  /** Since this member was opened. */
  readonly passes: number
  /** The last pass that found everything as it was written; undefined before the first. */
  readonly last: ScrubPass | undefined
  /** The pass under way, if one is. */
  readonly running: { readonly records: number; readonly bytes: number } | undefined
  /** What the last pass found to be damaged; undefined where everything was whole. */
  readonly damage: string | undefined
}

export interface ScrubPass {
  /** By the wall clock, milliseconds since 1970. */
  readonly endedAtMs: number
  readonly tookMs: number
  readonly records: number
  readonly bytes: number
}
