/**
 * What a client asks for when it creates a watch, and what it is refused with.
 *
 * Always: the range that the store is asked for, and judges the caller's permission by, is the one that is watched, open ends
 * included (GHSA-xg4h-6gfc-h4m8).
 */
import { status as Status } from '@grpc/grpc-js'
import { isStoreError, type StoreError } from '../../../base/errors.js'
import type { Selection } from '../../../api/key-value.js'
import type { Watch, WatchOptions, WatchTurns } from '../../../api/watch.js'
import { WatchCreateRequest_FilterType as FilterType, type WatchCreateRequest } from '../../generated/rpc.js'
import { numberOf } from '../../wire/numbers.js'
import { isFromKeyOn, selectionOf } from '../../wire/selection.js'
import { statusOf } from '../../wire/status.js'

/** Why a watch is answered as created and canceled at once, where that is not up to the store. Undefined: it is not. */
export function faultOf({ key, range_end, start_revision }: WatchCreateRequest, idInUse: boolean): string | undefined {
  const hasEnd = range_end.length > 0 && !isFromKeyOn(range_end)
  if (hasEnd && Buffer.compare(keyOf(key), range_end) >= 0) return 'mvcc: watcher range is empty'
  if (idInUse) return 'mvcc: duplicate watch ID provided on the WatchStream'
  if (start_revision < 0n) return 'etcdserver: mvcc: required revision has been compacted'
  return undefined
}

/** What is watched. An empty key stands for the least that there is. */
export function watchedBy({ key, range_end }: WatchCreateRequest): Selection {
  return selectionOf(keyOf(key), range_end)
}

export interface WatchSizes {
  readonly progressMs: number
  readonly fragmentBytesMax: number
  readonly mergeBytesMax: number
}

export function watchOptionsOf(request: WatchCreateRequest, turns: WatchTurns, sizes: WatchSizes): WatchOptions {
  const { start_revision, prev_kv, filters, progress_notify, fragment } = request
  return {
    startRevision: start_revision === 0n ? undefined : numberOf(start_revision),
    previous: prev_kv,
    filter: {
      ...(filters.includes(FilterType.NOPUT) && { puts: false }),
      ...(filters.includes(FilterType.NODELETE) && { deletes: false }),
    },
    progress: progress_notify ? { everyMs: sizes.progressMs } : undefined,
    fragmentBytesMax: fragment ? sizes.fragmentBytesMax : undefined,
    mergeBytesMax: sizes.mergeBytesMax,
    turns,
  }
}

/**
 * Why the store does not give, or no longer gives, this watch; the others of the stream go on. Undefined where that is not about
 * this watch: then the stream ends, and its client comes again.
 */
export function cancelReasonOf(error: unknown): string | undefined {
  if (!isStoreError(error)) return undefined
  const { code, details } = statusOf(error)
  if (code === Status.UNAVAILABLE || code === Status.CANCELLED || code === Status.DATA_LOSS) return undefined
  return isAboutCaller(error) ? `rpc error: code = ${GO_NAMES[code] ?? 'Unknown'} desc = ${details}` : details
}

/** Of these etcd tells the whole error as Go prints it, and clients look for the text inside. */
function isAboutCaller({ code }: StoreError): boolean {
  return (
    code === 'PERMISSION_DENIED' ||
    code === 'AUTH_TOKEN_INVALID' ||
    code === 'AUTH_REVISION_OLD' ||
    code === 'USER_EMPTY'
  )
}

const GO_NAMES: Partial<Record<Status, string>> = {
  [Status.PERMISSION_DENIED]: 'PermissionDenied',
  [Status.UNAUTHENTICATED]: 'Unauthenticated',
  [Status.INVALID_ARGUMENT]: 'InvalidArgument',
}

const LEAST_KEY = Buffer.of(0)

function keyOf(key: Buffer): Buffer {
  return key.length === 0 ? LEAST_KEY : key
}

/** One watch of a stream. */
export interface OpenWatch {
  readonly id: bigint
  readonly watch: Watch
  readonly startRevision: number
}
