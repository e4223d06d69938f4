/** What every call of the contract takes. */
export interface CallOptions {
  /** Ends the call with `ABORTED` when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which the call ends with `TIMEOUT`. Default: 5 s plus two election timeouts. */
  readonly timeoutMs?: number | undefined
}
