/** What etcdctl says of an error: etcd's own text where a server gave one, else what happened and what to look at. */
import { isStoreError, type StoreError } from '../../base/errors.js'

export function errorText(error: unknown): string {
  if (!isStoreError(error)) return error instanceof Error ? error.message : String(error)
  const said = saidByServer(error)
  if (said !== undefined) return said
  if (error.code === 'TIMEOUT') return `context deadline exceeded. ${error.message}${HINT}`
  if (error.code === 'UNREACHABLE') return `${error.message}${HINT}`
  return error.message
}

const HINT =
  ' Where members listen is said by --endpoints or ETCDCTL_ENDPOINTS, how long it may take by --command-timeout.'

/** gRPC's status is the cause of what the client rejects with. */
function saidByServer({ cause }: StoreError): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('details' in cause)) return undefined
  const { details } = cause
  return typeof details === 'string' && /^(?:etcdserver|auth|mvcc|election|session|lease)\b.*: ./.test(details)
    ? details
    : undefined
}

/** Whether the server was not asked at all, since who calls could not log in. */
export function isLoginRefused(error: unknown): boolean {
  return isStoreError(error) && (error.code === 'AUTH_FAILED' || error.code === 'NO_PASSWORD_USER')
}
