/** What is refused since etcd's protocol has no way to ask for it. */
import { StoreError } from '../../base/errors.js'

export function notSupported(what: string): StoreError {
  return new StoreError(
    'NOT_SUPPORTED',
    `${what}: etcd's protocol, through which this store is reached, has no such call.`,
  )
}
