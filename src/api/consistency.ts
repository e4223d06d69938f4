/** How current an answer must be. */
export interface Consistency {
  /**
   * `linearizable` (default): sees every write that was acknowledged anywhere before the call; costs a round trip to a
   * quorum, shared with other reads. `local`: what this member has, possibly stale, also without a leader.
   */
  readonly consistency?: 'linearizable' | 'local' | undefined
}
