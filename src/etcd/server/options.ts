/** What `serveEtcd()` takes, checked once. */
import { LIMITS } from '../../base/limits.js'
import { checkBoolean } from '../../api/check-boolean.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { MetricsDetail } from '../metrics/sheet.js'
import { parseClientUrl, type ClientUrl } from './client-url.js'
import { checkEtcdTls, type EtcdTlsOptions, type EtcdTlsSettings } from './tls-options.js'

export type PeerScheme = 'http' | 'https'

export interface ServeEtcdOptions {
  /** Where clients are served: `http://host:port`; port 0: any that is free. Default `['http://localhost:2379']`. */
  readonly listenClientUrls?: readonly string[]
  /** Where clients reach this member, as they are told by the list of members. Default: where it listens. */
  readonly advertiseClientUrls?: readonly string[]
  /** For `https:` and `unixs:` URLs, which need it. */
  readonly tls?: EtcdTlsOptions
  /** Whether the JSON gateway is served, at `/v3/`. Default true. */
  readonly enableGrpcGateway?: boolean
  /** Origins whose pages in browsers may call; `*`: all. Default `['*']`. */
  readonly cors?: readonly string[]
  /** Names of this host by which it may be called without TLS; `*`: all. Default `['*']`. */
  readonly hostWhitelist?: readonly string[]
  /** Bytes of a request at most. Default: 1.5 MiB. Over it: `etcdserver: request is too large`. */
  readonly requestBytesMax?: number
  /** Calls and streams under way on one connection. Default: 2^32 - 1. */
  readonly concurrentStreamsMax?: number
  /** Compares, or operations of a branch, of a transaction at most. Default, and at most: LIMITS.transactionOperationsMax. */
  readonly transactionOperationsMax?: number
  /**
   * How often a watch that asks for it is told how far it has come while nothing happens: milliseconds, at least
   * LIMITS.watchProgressMsMin; each time up to a tenth later by chance. Default: ten minutes.
   */
  readonly watchProgressNotifyIntervalMs?: number
  /** What the members speak among each other, as their peer URLs say: `https` with TLS. Default: `http`. */
  readonly peerScheme?: PeerScheme
  /** Learners that are added as such by clients, and stay some, at once. Default: 1, as etcd has it. */
  readonly learnersMax?: number
  /**
   * Where metrics and probes are told besides, and nothing else; `https` with the certificate of `tls`, and without certificates of
   * clients. Default: nowhere; they are at the port of clients, too.
   */
  readonly listenMetricsUrls?: readonly string[]
  /** `extensive`: with the durations of the calls of each method among the metrics. Default: `basic`. */
  readonly metrics?: MetricsDetail
  /** Milliseconds without a word after which a connection of gRPC is asked whether it is still there. Default: two hours. */
  readonly keepAliveIntervalMs?: number
  /** Milliseconds that the answer may take. Default: 20,000. */
  readonly keepAliveTimeoutMs?: number
}

/** Complete, once it is known where the server listens. */
export interface Settings {
  readonly advertiseClientUrls: readonly string[]
  readonly enableGrpcGateway: boolean
  readonly cors: readonly string[]
  readonly hostWhitelist: readonly string[]
  readonly requestBytesMax: number
  readonly concurrentStreamsMax: number
  readonly transactionOperationsMax: number
  readonly watchProgressNotifyIntervalMs: number
  readonly peerScheme: PeerScheme
  readonly learnersMax: number
  readonly metrics: MetricsDetail
  readonly keepAliveIntervalMs: number
  readonly keepAliveTimeoutMs: number
}

export interface Checked extends Omit<Settings, 'advertiseClientUrls'> {
  readonly listenClientUrls: readonly ClientUrl[]
  readonly listenMetricsUrls: readonly ClientUrl[]
  readonly tls: EtcdTlsSettings | undefined
  /** Undefined: where it listens. */
  readonly advertiseClientUrls: readonly string[] | undefined
}

const FIELDS: Fields<ServeEtcdOptions> = {
  listenClientUrls: true,
  advertiseClientUrls: true,
  tls: true,
  enableGrpcGateway: true,
  cors: true,
  hostWhitelist: true,
  requestBytesMax: true,
  concurrentStreamsMax: true,
  transactionOperationsMax: true,
  watchProgressNotifyIntervalMs: true,
  peerScheme: true,
  learnersMax: true,
  metrics: true,
  listenMetricsUrls: true,
  keepAliveIntervalMs: true,
  keepAliveTimeoutMs: true,
}

const LISTEN_CLIENT_URLS = ['http://localhost:2379']
const ANY = ['*']
const STREAMS_MAX = 2 ** 32 - 1
const LEARNERS_MAX = 1
const PROGRESS_NOTIFY_MS = 10 * 60_000
const KEEP_ALIVE_INTERVAL_MS = 2 * 3_600_000
const KEEP_ALIVE_TIMEOUT_MS = 20_000

/** Throws TypeError, RangeError, `ADDRESS_INVALID`. */
export function checkOptions(options: ServeEtcdOptions): Checked {
  checkFields(options, FIELDS, 'serveEtcd()')
  const listen = urlsOf('listenClientUrls', options.listenClientUrls ?? LISTEN_CLIENT_URLS)
  const { advertiseClientUrls, transactionOperationsMax = LIMITS.transactionOperationsMax } = options
  const { keepAliveIntervalMs = KEEP_ALIVE_INTERVAL_MS, keepAliveTimeoutMs = KEEP_ALIVE_TIMEOUT_MS } = options
  const listenClientUrls = listen.map((url) => parseClientUrl(url))
  const listenMetricsUrls = textsOf('listenMetricsUrls', options.listenMetricsUrls ?? []).map((url) =>
    parseClientUrl(url),
  )
  const tls = options.tls && checkEtcdTls(options.tls)
  for (const [option, urls] of Object.entries({ listenClientUrls, listenMetricsUrls })) {
    if (tls !== undefined || !urls.some(({ secure }) => secure)) continue
    throw new TypeError(`${option} has a URL with TLS, and there is no tls: give it certFile and keyFile`)
  }
  return {
    ...{ listenClientUrls, listenMetricsUrls, tls },
    enableGrpcGateway: checkBoolean(options.enableGrpcGateway, 'enableGrpcGateway') ?? true,
    cors: textsOf('cors', options.cors ?? ANY),
    hostWhitelist: textsOf('hostWhitelist', options.hostWhitelist ?? ANY),
    keepAliveIntervalMs: whole('keepAliveIntervalMs', keepAliveIntervalMs),
    keepAliveTimeoutMs: whole('keepAliveTimeoutMs', keepAliveTimeoutMs),
    advertiseClientUrls: advertiseClientUrls && urlsOf('advertiseClientUrls', advertiseClientUrls),
    requestBytesMax: whole('requestBytesMax', options.requestBytesMax ?? LIMITS.requestBytesMax),
    transactionOperationsMax: whole('transactionOperationsMax', transactionOperationsMax),
    peerScheme: schemeOf(options.peerScheme ?? 'http'),
    learnersMax: whole('learnersMax', options.learnersMax ?? LEARNERS_MAX),
    concurrentStreamsMax: whole('concurrentStreamsMax', options.concurrentStreamsMax ?? STREAMS_MAX),
    metrics: detailOf(options.metrics ?? 'basic'),
    watchProgressNotifyIntervalMs: progressMs(options.watchProgressNotifyIntervalMs ?? PROGRESS_NOTIFY_MS),
  }
}

function detailOf(detail: unknown): MetricsDetail {
  if (detail === 'basic' || detail === 'extensive') return detail
  throw new TypeError(`metrics must be 'basic' or 'extensive', not ${String(detail)}`)
}

function schemeOf(scheme: unknown): PeerScheme {
  if (scheme === 'http' || scheme === 'https') return scheme
  throw new TypeError(`peerScheme must be 'http' or 'https', not ${String(scheme)}`)
}

function urlsOf(option: string, urls: readonly string[]): readonly string[] {
  const given = textsOf(option, urls)
  if (given.length > 0) return given
  throw new TypeError(`${option} must be a list of URLs, with one at least`)
}

function textsOf(option: string, texts: readonly string[]): readonly string[] {
  const given: readonly unknown[] | undefined = Array.isArray(texts) ? texts : undefined
  if (given?.every((text) => typeof text === 'string')) return [...texts]
  throw new TypeError(`${option} must be a list of texts, not ${kind(texts)}`)
}

function whole(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new RangeError(`${option} must be a positive whole number, not ${value}`)
}

function progressMs(everyMs: number): number {
  if (Number.isFinite(everyMs) && everyMs >= LIMITS.watchProgressMsMin) return everyMs
  throw new RangeError(
    `watchProgressNotifyIntervalMs must be at least ${LIMITS.watchProgressMsMin} milliseconds, not ${everyMs}`,
  )
}
