/** What `serveEtcd()` takes, checked once. */

export interface ServeEtcdOptions {
  /** Where clients reach this member, as they are told by the list of members: `['http://10.0.0.1:2379']`. */
  readonly advertiseClientUrls?: readonly string[]
}

export interface Settings {
  readonly advertiseClientUrls: readonly string[]
}
