/**
 * The differences that are meant. Each stands in docs/DIVERGENCE.md, and each must occur in a whole run: else it is listed for
 * nothing.
 */
export interface Listed {
  readonly name: string
  /** In which chapter. */
  readonly chapter: string
  /** What one side says and what the other one does, as in the transcript: lines, in full. */
  readonly etcd: string | RegExp
  readonly ours: string | RegExp
}

export const LISTED: readonly Listed[] = []
