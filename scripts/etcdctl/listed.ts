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

/** Those of our command line, which is that of etcdctl 3.6, from the etcdctl 3.4 that it is compared with. */
export const LISTED_OF_QUORATE: readonly Listed[] = [
  ...LISTED,
  {
    name: '--count-only is not in etcdctl 3.4',
    chapter: 'keys',
    etcd: 'unknown flag: --count-only',
    ours: '--count-only',
  },
  {
    name: 'of a request that is larger than the server takes, the limit of the server is told, not one of the client',
    chapter: 'keys',
    etcd: 'trying to send message larger than max',
    ours: /larger than max/,
  },
  {
    name: 'a comparison of leases, and one with an unknown operator, end etcdctl 3.4 with a stack',
    chapter: 'transactions',
    etcd: /^\$ etcdctl txn\nexit code 2$/,
    ours: /^\$ etcdctl txn\nexit code [03]$/,
  },
  {
    name: 'lock ends with the code of its program, as that of etcdctl 3.6',
    chapter: 'locks',
    etcd: /exit status 3\nexit code 1$/,
    ours: /exit status 3\nexit code 3$/,
  },
  {
    name: 'what is healthy is told on standard output, as by etcdctl 3.6',
    chapter: 'maintenance',
    etcd: /^! .* is healthy/m,
    ours: /^<client .> is healthy/m,
  },
  {
    name: 'a status has what etcd 3.6 added to it',
    chapter: 'maintenance',
    etcd: /dbSize dbSizeInUse header/,
    ours: /dbSize dbSizeInUse .*storageVersion/,
  },
  {
    name: 'defrag tells how long it took, as that of etcdctl 3.6',
    chapter: 'maintenance',
    etcd: /Finished defragmenting etcd member\[<client a>\]$/m,
    ours: /Finished defragmenting etcd member\[<client a>\]\. took/,
  },
  { name: 'the version is ours', chapter: 'maintenance', etcd: 'etcdctl version: 3.4', ours: 'quorate version: ' },
  {
    name: 'passwords are asked for on standard error',
    chapter: 'auth',
    etcd: /Password of : *\n[^]*empty password/,
    ours: /! Password of : [^]*empty password/,
  },
  {
    name: 'what is healthy is told on standard output, as by etcdctl 3.6 (auth)',
    chapter: 'auth',
    etcd: /^! .* is healthy/m,
    ours: /^<client .> is healthy/m,
  },
]
