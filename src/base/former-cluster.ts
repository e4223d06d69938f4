/** What a data directory tells of a cluster that it belonged to before it was made a new cluster of its own. */
export interface FormerCluster {
  readonly clusterId: number
  /** This member's id in it. */
  readonly memberId: number
  /** When it was left, by the wall clock: milliseconds since 1970. */
  readonly leftAtMs: number
  /** The last entry of the log at that time: all up to it was taken along, and nothing else. */
  readonly lastIndex: number
  readonly lastTerm: number
  /** Up to here it was known to be committed; what came behind may not have been. */
  readonly appliedIndex: number
  /** Ids of the members that are known from the data, this one among them; perhaps not all. */
  readonly members: readonly number[]
  /** Whether it was known then that some of what this member had acknowledged is missing. */
  readonly withLosses: boolean
}
