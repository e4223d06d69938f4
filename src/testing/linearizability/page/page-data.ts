/** What the page of a history is given. */
export interface PageData {
  readonly partition: string | undefined
  readonly omitted: number
  /** Index of the impossible call. */
  readonly failure: number | undefined
  readonly possibleStates: readonly string[]
  readonly calls: readonly PageCall[]
}

export interface PageCall {
  readonly index: number
  readonly client: string
  readonly outcome: string
  readonly text: string
  /** In the order found, from 1. */
  readonly place: number | undefined
  readonly state: string | undefined
  /** Begin and end, as places among all moments shown. */
  readonly from: number
  readonly to: number
  readonly reason: string | undefined
  readonly invokedMs: number | undefined
  readonly returnedMs: number | undefined
}
