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

export const LISTED: readonly Listed[] = [
  {
    name: 'an order by something else than the key that does not say which way: etcd sorts only the first of the keys',
    chapter: 'keys',
    etcd: /--sort-by=VALUE --limit=3[^]*k\/2\n\nk\/4\n\nk\/3/,
    ours: /--sort-by=VALUE --limit=3[^]*k\/2\n\nk\/5\n\nk\/4/,
  },
  {
    name: 'a permission for a range that ends before it starts: refused, as by etcd 3.6',
    chapter: 'auth',
    etcd: /role grant-permission odd write c a[^]*exit code 0/,
    ours: /role grant-permission odd write c a[^]*invalid auth management[^]*exit code 1/,
  },
  {
    name: 'what the role root may do is told, as by etcd 3.6',
    chapter: 'auth',
    etcd: /role get root[^]*KV Read:\nKV Write:\nexit code 0/,
    ours: /role get root[^]*KV Read:\n\t\[, <open ended>/,
  },
  {
    name: 'whoever may not compact is told that first, and not what the compacted revision is',
    chapter: 'auth',
    etcd: /compaction 2 \(as ann\)[^]*required revision has been compacted/,
    ours: /compaction 2 \(as ann\)[^]*permission denied/,
  },
]
