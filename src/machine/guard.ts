/**
 * What is refused while an alarm is active.
 *
 * Always: decided from the replicated alarms and the request alone, and where it is applied, so that every member refuses
 * the same. How much space a member really has left is its own affair: it raises the alarm, and nothing else
 * (member/space.ts).
 */
import { assertNever } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import type { Operation } from '../mvcc/types.js'
import type { Alarms } from './alarms.js'
import type { Request } from './command.js'
import { costBytes } from './cost.js'

/** Throws `CORRUPT`, `NO_SPACE`. */
export function checkAlarms(alarms: Alarms, request: Request): void {
  if (alarms.size === 0) return
  if (alarms.isActive('corrupt') && changesKeysOrLeases(request)) throw corrupt()
  if (alarms.isActive('no-space') && costBytes(request) > 0) throw noSpace()
}

function changesKeysOrLeases(request: Request): boolean {
  switch (request.type) {
    case 'put':
    case 'delete':
    case 'compact':
    case 'lease-grant':
    case 'lease-revoke':
      return true
    case 'transaction':
      return request.success.some(changesKeys) || request.failure.some(changesKeys)
    // How much is left of a lease changes neither: without it no renewal could be told.
    case 'lease-checkpoint':
    case 'alarm':
    case 'auth':
    case 'login':
    case 'prefix-quota':
    case 'check':
    case 'verify':
      return false
    default:
      return assertNever(request, 'request')
  }
}

function changesKeys(operation: Operation): boolean {
  switch (operation.type) {
    case 'put':
    case 'delete':
      return true
    case 'range':
      return false
    case 'transaction':
      return operation.success.some(changesKeys) || operation.failure.some(changesKeys)
    default:
      return assertNever(operation, 'operation')
  }
}

function corrupt(): StoreError {
  return new StoreError(
    'CORRUPT',
    'The alarm CORRUPT is active: the members do not all hold the same state, or the only one found damage on its disk. Nothing is changed until it is disarmed.',
  )
}

function noSpace(): StoreError {
  return new StoreError(
    'NO_SPACE',
    'The alarm NOSPACE is active: a member is over its quota, or its disk is nearly full. Delete, compact, and then disarm it; until then nothing is added.',
  )
}
