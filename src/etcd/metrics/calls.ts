/**
 * Fills the metrics of calls, by whichever door they come: those of the Go library that etcd uses for gRPC, and etcd's own.
 *
 * Always: all methods are there from the start, with all codes, so that a rate of errors is 0 before the first one.
 * Always: what a client says of itself makes a label only while there are few of those.
 */
import type { Clock } from '../../base/clock.js'
import { LIMITS } from '../../base/limits.js'
import { ElectionService } from '../generated/election.js'
import { HealthService } from '../generated/health.js'
import { LockService } from '../generated/lock.js'
import {
  AuthService,
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
  WatchService,
} from '../generated/rpc.js'
import type { CallObserver, ObservedCall } from '../server/call-observer.js'
import type { Cell, Spread } from './meters.js'
import type { MetricsDetail, Sheet } from './sheet.js'

/** By their numbers, in the words of Go. */
const CODES = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...['PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented'],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
]
const [OK, CANCELED, UNKNOWN, DEADLINE_EXCEEDED, UNAVAILABLE] = [0, 1, 2, 4, 14]

const SERVICES = [
  ...[KVService, WatchService, LeaseService, ClusterService, MaintenanceService, AuthService],
  ...[LockService, ElectionService, HealthService],
]

const WATCH = '/etcdserverpb.Watch/Watch'
const PROMOTE = '/etcdserverpb.Cluster/MemberPromote'
/** The streams whose failures etcd counts, as it calls them. */
const STREAMS: Readonly<Record<string, string>> = {
  [WATCH]: 'watch',
  '/etcdserverpb.Lease/LeaseKeepAlive': 'lease-keepalive',
}
/** The requests whose durations are kept without `extensive`. */
const REQUESTS: Readonly<Record<string, string>> = {
  '/etcdserverpb.KV/Range': 'range',
  '/etcdserverpb.KV/Put': 'put',
  '/etcdserverpb.KV/DeleteRange': 'delete_range',
  '/etcdserverpb.KV/Txn': 'txn',
  '/etcdserverpb.KV/Compact': 'compact',
  '/etcdserverpb.Lease/LeaseGrant': 'lease_grant',
  '/etcdserverpb.Lease/LeaseRevoke': 'lease_revoke',
}

const NO_VERSION = 'unknown'

interface Definition {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
}

/** What is kept of one method. */
interface MethodMeters {
  readonly path: string
  readonly kind: 'unary' | 'stream'
  readonly started: Cell
  readonly received: Cell
  readonly sent: Cell
  /** By the numbers of the codes. */
  readonly handled: readonly Cell[]
  readonly durations: { readonly succeeded: Spread; readonly failed: Spread } | undefined
  readonly handling: Spread | undefined
}

export class CallMeters implements CallObserver {
  readonly #sheet: Sheet
  readonly #clock: Clock
  readonly #methods = new Map<string, MethodMeters>()
  /** Of the versions that clients tell, with the kind of the call. */
  readonly #versions = new Map<string, { readonly unary: Cell; readonly stream: Cell }>()
  readonly #receivedBytes: Cell
  readonly #sentBytes: Cell
  readonly #watchStreams: Cell

  constructor(sheet: Sheet, clock: Clock, detail: MetricsDetail) {
    this.#sheet = sheet
    this.#clock = clock
    this.#receivedBytes = sheet.cell('etcd_network_client_grpc_received_bytes_total')
    this.#sentBytes = sheet.cell('etcd_network_client_grpc_sent_bytes_total')
    this.#watchStreams = sheet.cell('etcd_debugging_mvcc_watch_stream_total')
    const definitions = SERVICES.flatMap((service) => Object.values<Definition>(service))
    for (const definition of definitions) this.#methods.set(definition.path, this.#metersOf(definition, detail))
  }

  begin(path: string, clientApiVersion = NO_VERSION): ObservedCall {
    const method = this.#methods.get(path)
    if (method === undefined) throw new TypeError(`there is no method ${path}`)
    method.started.add()
    this.#requests(clientApiVersion)[method.kind].add()
    if (path === WATCH) this.#watchStreams.add()
    return new MeteredCall(this, method, this.#clock.monotonicMs())
  }

  received(method: MethodMeters, bytes: number): void {
    method.received.add()
    this.#receivedBytes.add(bytes)
  }

  sent(method: MethodMeters, bytes: number): void {
    method.sent.add()
    this.#sentBytes.add(bytes)
  }

  ended(method: MethodMeters, begunMs: number, code: number, text: string): void {
    ;(method.handled[code] ?? method.handled[UNKNOWN])?.add()
    const { durations, handling, path } = method
    if (durations !== undefined || handling !== undefined) {
      const seconds = (this.#clock.monotonicMs() - begunMs) / 1000
      handling?.observe(seconds)
      durations?.[code === OK ? 'succeeded' : 'failed'].observe(seconds)
    }
    if (path === WATCH) this.#watchStreams.add(-1)
    if (path === PROMOTE) this.#promoted(code, text)
    const stream = STREAMS[path]
    if (stream !== undefined && isFailure(code)) {
      this.#sheet.family('etcd_network_server_stream_failures_total').of('receive', stream).add()
    }
  }

  #promoted(code: number, text: string): void {
    if (code === OK) this.#sheet.cell('etcd_server_learner_promote_successes').add()
    else {
      const reason = PROMOTE_REASONS.has(text) ? text : (CODES[code] ?? 'Unknown')
      this.#sheet.family('etcd_server_learner_promote_failures').of(reason).add()
    }
  }

  #requests(version: string): { readonly unary: Cell; readonly stream: Cell } {
    const found = this.#versions.get(version)
    if (found !== undefined) return found
    const { clientVersionsMax, clientVersionCharactersMax } = LIMITS
    const isTooMuch = this.#versions.size >= clientVersionsMax || version.length > clientVersionCharactersMax
    if (isTooMuch && version !== NO_VERSION) return this.#requests(NO_VERSION)
    const family = this.#sheet.family('etcd_server_client_requests_total')
    const cells = { unary: family.of('unary', version), stream: family.of('stream', version) }
    this.#versions.set(version, cells)
    return cells
  }

  #metersOf({ path, requestStream, responseStream }: Definition, detail: MetricsDetail): MethodMeters {
    const sheet = this.#sheet
    const kind = requestStream
      ? responseStream
        ? 'bidi_stream'
        : 'client_stream'
      : responseStream
        ? 'server_stream'
        : 'unary'
    const [, service = '', name = ''] = path.split('/')
    const labels = [kind, service, name]
    const request = REQUESTS[path]
    const spreads = sheet.spreads('etcd_server_request_duration_seconds')
    return {
      path,
      kind: kind === 'unary' ? 'unary' : 'stream',
      started: sheet.family('grpc_server_started_total').of(...labels),
      received: sheet.family('grpc_server_msg_received_total').of(...labels),
      sent: sheet.family('grpc_server_msg_sent_total').of(...labels),
      handled: CODES.map((code) => sheet.family('grpc_server_handled_total').of(...labels, code)),
      durations:
        request === undefined ? undefined : durationsOf(spreads.of(request, 'true'), spreads.of(request, 'false')),
      handling: detail === 'extensive' ? sheet.spreads('grpc_server_handling_seconds').of(...labels) : undefined,
    }
  }
}

/** One call that is under way. */
class MeteredCall implements ObservedCall {
  readonly #meters: CallMeters
  readonly #method: MethodMeters
  readonly #begunMs: number

  constructor(meters: CallMeters, method: MethodMeters, begunMs: number) {
    this.#meters = meters
    this.#method = method
    this.#begunMs = begunMs
  }

  received(bytes: number): void {
    this.#meters.received(this.#method, bytes)
  }

  sent(bytes: number): void {
    this.#meters.sent(this.#method, bytes)
  }

  ended(code: number, text = ''): void {
    this.#meters.ended(this.#method, this.#begunMs, code, text)
  }
}

/** The reasons that etcd has; others may name members. */
const PROMOTE_REASONS: ReadonlySet<string> = new Set([
  'etcdserver: can only promote a learner member which is in sync with leader',
  'etcdserver: can only promote a learner member',
  'etcdserver: member not found',
  'etcdserver: no leader',
  'etcdserver: request timed out',
])

function durationsOf(succeeded: Spread, failed: Spread) {
  return { succeeded, failed }
}

/** Not so where the client went, or this server closes. */
function isFailure(code: number): boolean {
  return code !== OK && code !== CANCELED && code !== DEADLINE_EXCEEDED && code !== UNAVAILABLE
}
