/**
 * What a request may add to what is stored, in bytes, told by the request alone: etcd's numbers.
 *
 * For the quota, which is looked at before the request is proposed, and for the alarm that no space is left: what costs
 * nothing goes on then. Both branches of a transaction count, and those nested in them: etcd once forgot the nested ones,
 * and a quota could be passed by them.
 */
import { assertNever } from '../base/assert.js'
import type { Operation } from '../mvcc/types.js'
import type { Request } from './command.js'

const PUT_OVERHEAD_BYTES = 256
const LEASE_BYTES = 64

export function costBytes(request: Request | Operation): number {
  switch (request.type) {
    case 'put':
      return PUT_OVERHEAD_BYTES + request.key.length + request.value.byteLength
    case 'lease-grant':
      return LEASE_BYTES
    case 'transaction':
      return Math.max(costOfBranch(request.success), costOfBranch(request.failure))
    case 'range':
    case 'delete':
    case 'compact':
    case 'lease-revoke':
    case 'lease-checkpoint':
    case 'alarm':
    case 'auth':
    case 'login':
    case 'prefix-quota':
    case 'check':
    case 'verify':
      return 0
    default:
      return assertNever(request, 'request')
  }
}

function costOfBranch(operations: readonly Operation[]): number {
  let bytes = 0
  for (const operation of operations) bytes += costBytes(operation)
  return bytes
}
