/** What `open()` takes. Checked once, here; everything inside receives complete values. */
import { checkFields, type Fields } from '../api/check-fields.js'
import type { Environment } from '../base/clock.js'
import { LIMITS } from '../base/limits.js'
import type { Logger } from '../base/logger.js'
import { quote } from '../base/quote.js'
import { isSignal, type SignalName } from '../runtime/process-signals.js'
import type { MemberEvent } from '../member/event.js'
import type { AutoCompaction } from '../member/auto-compactor.js'
import type { ScrubSettings } from '../member/scrubber.js'
import { checkTlsOptions, type TlsOptions } from '../transport/tls-options.js'
import type { Transport } from '../transport/transport.js'
import { authSettingsOf, type AuthOptions, type AuthSettings } from './auth-options.js'
import { backupSettingsOf, type BackupOptions, type BackupSettings } from './backup-options.js'
import { checkAdvertise, clusterSettingsOf, type ClusterOptions, type ClusterSettings } from './cluster-options.js'
import { scrubSettingsOf, type ScrubOptions } from './scrub-options.js'
import { checkDisk, checkEnvironment, checkLogger, checkTransport } from './ports.js'

export type { AutoCompaction } from '../member/auto-compactor.js'
export type { BackupOptions } from './backup-options.js'
export type { AuthOptions, JwtOptions, JwtSignMethod, ScryptParameters } from './auth-options.js'
export type { ScrubOptions } from './scrub-options.js'
export type { MemberEvent, MemberEventType } from '../member/event.js'

export interface OpenOptions extends ClusterOptions {
  /** Milliseconds without a leader after which a member stands for election. Default 1000. */
  readonly electionTimeoutMs?: number
  /** Milliseconds between a leader's heartbeats; at most a fifth of the election timeout. Default 100. */
  readonly heartbeatIntervalMs?: number
  /**
   * Milliseconds that `close()` lets calls under way finish, and waits for another member to take over leadership, before it
   * rejects who still waits with `CLOSED`. 0: it waits for no call. Default two election timeouts.
   */
  readonly drainMs?: number
  /**
   * Signals on which the store is closed before the process ends: `['SIGTERM', 'SIGINT']` for a service. Then the process ends
   * as by that signal (exit code 128 and its number to a shell), unless the program listens to it itself; a second signal ends it
   * at once. Several stores of one process are closed together. For the main thread. Default: none, nothing is installed.
   */
  readonly closeOn?: readonly SignalName[]
  /** Tokens and passwords. Whether authorization is enabled is not said here: it is part of the data. */
  readonly auth?: AuthOptions
  /**
   * Encrypts what members say to each other, and lets in only who shows a certificate of the cluster's own authority; the same
   * way on all members. See docs/OPERATING.md. Default: without, and so only on this machine.
   */
  readonly tls?: TlsOptions
  /** Lets a member listen beyond loopback without TLS. Default false. */
  readonly insecure?: boolean
  /** Default: the one of `environment`, or says nothing. What it throws is dropped. */
  readonly logger?: Logger
  /** Instead of TCP: for members in one process, or of your own making. A function is given the member's clock and timers. */
  readonly transport?: Transport | ((environment: Environment) => Transport)
  /** Clock, timers and randomness. Default: the real ones. */
  readonly environment?: Environment
  /**
   * Told of everything that the member takes in, decides and does, for tests, traces and metrics: synchronously, in the
   * middle of its work. It should note what it needs and return; what it is given must not be changed, and may change its
   * shape between versions. What it throws is logged and dropped. Default: nobody, which costs nothing.
   */
  readonly observe?: (event: MemberEvent) => void
  /** Bytes of changes held in memory before the state is written. Default LIMITS.stateBufferBytesMax. */
  readonly stateBufferBytesMax?: number
  /** Bytes of memory for values that were written or read last, so that reading them needs no disk; 0: none. Default LIMITS.valueCacheBytesMax. */
  readonly valueCacheBytesMax?: number
  /** Bytes of log kept behind the written state for members that lag. Default LIMITS.logRetainBytes. */
  readonly logRetainBytes?: number
  /**
   * Forgets history by itself, as far as it is older than `retentionMs` (`periodic`; at least a second), or more than
   * `retention` revisions back (`revision`, looked at every five minutes). What the leader was opened with counts: give all
   * members the same. Default: history is kept until `compact()`.
   */
  readonly autoCompaction?: AutoCompaction
  /**
   * Bytes of state that this member may have in use (`status().sizeInUseBytes`) before the alarm NOSPACE is raised and
   * nothing more is added to the cluster: see docs/OPERATING.md. 0 is the default, LIMITS.quotaBytes; Infinity: no quota.
   */
  readonly quotaBytes?: number
  /**
   * Milliseconds between two checks, by the leader, whether all members hold the same state. Default
   * LIMITS.checkIntervalMs; 0 or Infinity: only when somebody asks (`maintenance.check()`).
   */
  readonly checkIntervalMs?: number
  /**
   * How often and how fast this member reads through everything on its disk, to find what has rotted before it is needed
   * (docs/OPERATING.md). What was found is in `status().scrub`.
   */
  readonly scrub?: ScrubOptions
  /**
   * Milliseconds by which a change of leader may lengthen a lease, besides an election timeout. While this member leads, it
   * notes in the log how much of longer leases is left, each about twice in this time. Default
   * LIMITS.leaseCheckpointIntervalMs, five minutes; at least four election timeouts.
   */
  readonly leaseCheckpointIntervalMs?: number
  /**
   * Milliseconds that the disk may take for one write or sync, or for the close. Then the member hands over leadership if
   * it leads, and stops with `DISK_FAILED`: see docs/OPERATING.md. Time in which the process does not run does not count.
   * Default LIMITS.diskTimeoutMs, or two election timeouts if that is more; Infinity: for ever.
   */
  readonly diskTimeoutMs?: number
  /**
   * Bytes that are to stay free on the disk of this member. Below, it raises the alarm NOSPACE and nothing more is added to
   * the cluster: see docs/OPERATING.md. Default LIMITS.diskReserveBytes, of a small disk a quarter of it; 0: none.
   */
  readonly diskReserveBytes?: number
  /**
   * Saves a snapshot of this member to a folder again and again, as `saveSnapshot()` does, and keeps the newest. Each member
   * that is opened with it saves its own. Default: none.
   */
  readonly backups?: BackupOptions
}

/** The same, complete and checked. */
export interface Settings extends ClusterSettings, Tuning {}

/** All that is not about which cluster it is. */
export interface Tuning {
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly drainMs: number
  readonly closeOn: readonly SignalName[]
  readonly auth: AuthSettings
  readonly stateBufferBytesMax: number
  readonly valueCacheBytesMax: number
  readonly logRetainBytes: number
  readonly autoCompaction: AutoCompaction | undefined
  readonly quotaBytes: number
  readonly checkIntervalMs: number
  readonly scrub: ScrubSettings
  readonly leaseCheckpointIntervalMs: number
  readonly diskTimeoutMs: number
  readonly diskReserveBytes: number | undefined
  readonly backups: BackupSettings | undefined
}

const ELECTION_TIMEOUT_MS = 1000
const HEARTBEATS_PER_ELECTION_MIN = 5
const ELECTIONS_PER_CHECKPOINT_MIN = 4

/**
 * Of a member of a cluster that begins with it, whose first members are known. Throws TypeError or RangeError saying which
 * option is wrong and what would be right.
 */
export function settingsOf(options: OpenOptions): Settings {
  checkKinds(options)
  return { ...clusterSettingsOf(options), ...tuningOf(options) }
}

/** Without a look at which cluster it is. Throws as {@link settingsOf}. */
export function tuningOf(options: OpenOptions): Tuning {
  const electionTimeoutMs = positive('electionTimeoutMs', options.electionTimeoutMs ?? ELECTION_TIMEOUT_MS)
  const heartbeatIntervalMs = positive('heartbeatIntervalMs', options.heartbeatIntervalMs ?? electionTimeoutMs / 10)
  if (heartbeatIntervalMs * HEARTBEATS_PER_ELECTION_MIN > electionTimeoutMs) {
    throw new RangeError(
      `heartbeatIntervalMs ${heartbeatIntervalMs} is more than a fifth of electionTimeoutMs ${electionTimeoutMs}: ` +
        'a few late heartbeats would unseat a healthy leader',
    )
  }
  return {
    electionTimeoutMs,
    heartbeatIntervalMs,
    drainMs: drainOf(options, electionTimeoutMs),
    closeOn: closeOnOf(options),
    auth: authSettingsOf(options.auth),
    stateBufferBytesMax: positive('stateBufferBytesMax', options.stateBufferBytesMax ?? LIMITS.stateBufferBytesMax),
    valueCacheBytesMax: notNegative('valueCacheBytesMax', options.valueCacheBytesMax ?? LIMITS.valueCacheBytesMax),
    logRetainBytes: positive('logRetainBytes', options.logRetainBytes ?? LIMITS.logRetainBytes),
    autoCompaction: options.autoCompaction && autoCompactionOf(options.autoCompaction),
    quotaBytes: notNegative('quotaBytes', options.quotaBytes ?? 0) || LIMITS.quotaBytes,
    checkIntervalMs: notNegative('checkIntervalMs', options.checkIntervalMs ?? LIMITS.checkIntervalMs) || Infinity,
    scrub: scrubSettingsOf(options.scrub),
    leaseCheckpointIntervalMs: checkpointInterval(options, electionTimeoutMs),
    diskTimeoutMs: diskTimeout(options, electionTimeoutMs),
    diskReserveBytes: diskReserve(options),
    backups: options.backups && backupSettingsOf(options.backups),
  }
}

const PERIODIC_FIELDS: Fields<Extract<AutoCompaction, { mode: 'periodic' }>> = { mode: true, retentionMs: true }
const REVISION_FIELDS: Fields<Extract<AutoCompaction, { mode: 'revision' }>> = { mode: true, retention: true }

/** A copy: what the caller changes later must not count. */
function autoCompactionOf(given: AutoCompaction): AutoCompaction {
  const { mode } = given
  switch (mode) {
    case 'periodic': {
      checkFields(given, PERIODIC_FIELDS, 'autoCompaction by time')
      const retentionMs = positive('autoCompaction.retentionMs', given.retentionMs)
      const leastMs = LIMITS.autoCompactionRetentionMsMin
      if (retentionMs >= leastMs) return { mode, retentionMs }
      throw new RangeError(`autoCompaction.retentionMs must be at least ${leastMs}, not ${retentionMs}`)
    }
    case 'revision': {
      checkFields(given, REVISION_FIELDS, 'autoCompaction by revisions')
      const { retention } = given
      if (Number.isSafeInteger(retention) && retention > 0) return { mode, retention }
      throw new RangeError(`autoCompaction.retention must be a whole number of revisions, at least 1, not ${retention}`)
    }
    default:
      throw new TypeError(`autoCompaction.mode must be 'periodic' or 'revision', not ${String(mode)}`)
  }
}

function positive(option: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${option} must be a positive number, not ${value}`)
  return value
}

/** May be Infinity. */
function notNegative(option: string, value: number): number {
  if (!(value >= 0)) throw new RangeError(`${option} must be 0 or more, not ${value}`)
  return value
}

/** Finite: a close that waits for whoever waits for ever would be none. */
function drainOf(options: OpenOptions, electionTimeoutMs: number): number {
  const { drainMs = 2 * electionTimeoutMs } = options
  if (drainMs >= 0 && drainMs < Infinity) return drainMs
  throw new RangeError(`drainMs must be a finite number of milliseconds, 0 or more, not ${drainMs}`)
}

function closeOnOf({ closeOn = [] }: OpenOptions): readonly SignalName[] {
  if (!Array.isArray(closeOn)) throw new TypeError("closeOn must be a list of signals, like ['SIGTERM', 'SIGINT']")
  const signals: readonly unknown[] = closeOn
  const known = signals.filter(isSignal)
  if (known.length === signals.length) return known
  const wrong = signals.map((signal) => (typeof signal === 'string' ? quote(signal) : describeKind(signal)))
  throw new TypeError(`closeOn must name signals that a process can listen to, like SIGTERM, not ${wrong.join(', ')}`)
}

function diskReserve({ diskReserveBytes }: OpenOptions): number | undefined {
  if (diskReserveBytes === undefined) return undefined
  if (diskReserveBytes >= 0 && diskReserveBytes <= LIMITS.diskReserveBytesMax) return diskReserveBytes
  const most = LIMITS.diskReserveBytesMax
  throw new RangeError(`diskReserveBytes must be from 0 to ${most}, a pebibyte, not ${diskReserveBytes}`)
}

/** A disk must be slower than an election takes before it is worth one. */
function diskTimeout({ diskTimeoutMs }: OpenOptions, electionTimeoutMs: number): number {
  if (diskTimeoutMs === undefined) return Math.max(LIMITS.diskTimeoutMs, 2 * electionTimeoutMs)
  const leastMs = LIMITS.diskTimeoutMsMin
  if (diskTimeoutMs >= leastMs) return diskTimeoutMs
  throw new RangeError(`diskTimeoutMs must be at least ${leastMs}, or Infinity, not ${diskTimeoutMs}`)
}

/** A leader that lost its quorum cannot checkpoint, and may not know for an election timeout: the interval has room for that. */
function checkpointInterval(options: OpenOptions, electionTimeoutMs: number): number {
  const leastMs = ELECTIONS_PER_CHECKPOINT_MIN * electionTimeoutMs
  const given = options.leaseCheckpointIntervalMs
  if (given === undefined) return Math.max(LIMITS.leaseCheckpointIntervalMs, leastMs)
  if (positive('leaseCheckpointIntervalMs', given) >= leastMs) return given
  throw new RangeError(`leaseCheckpointIntervalMs ${given} is less than four election timeouts, ${leastMs}`)
}

type Kind =
  | 'string'
  | 'number'
  | 'boolean'
  | 'object'
  | 'array'
  | 'function'
  | `${'object' | 'array'} or function`
  | 'boolean or string'

/** Every option and what it is. A name that is not here is misspelt: `datadir` must not quietly keep everything in memory. */
const KINDS: Readonly<Record<keyof OpenOptions, Kind>> = {
  name: 'string',
  dataDir: 'string',
  listen: 'string',
  advertise: 'string',
  cluster: 'object or function',
  join: 'array or function',
  signal: 'object',
  clusterToken: 'string',
  durability: 'string',
  electionTimeoutMs: 'number',
  heartbeatIntervalMs: 'number',
  drainMs: 'number',
  closeOn: 'array',
  auth: 'object',
  tls: 'object',
  insecure: 'boolean',
  logger: 'object',
  transport: 'object or function',
  disk: 'object',
  environment: 'object',
  observe: 'function',
  stateBufferBytesMax: 'number',
  valueCacheBytesMax: 'number',
  logRetainBytes: 'number',
  autoCompaction: 'object',
  quotaBytes: 'number',
  checkIntervalMs: 'number',
  scrub: 'object',
  leaseCheckpointIntervalMs: 'number',
  diskTimeoutMs: 'number',
  diskReserveBytes: 'number',
  backups: 'object',
  forceNewCluster: 'boolean or string',
  rejoin: 'boolean',
}

/** What is wrong with an option by itself. Throws TypeError. */
export function checkKinds(options: OpenOptions): void {
  checkFields(options, KINDS, 'open()')
  for (const [option, value] of Object.entries(options)) {
    const kind = KINDS[option as keyof OpenOptions]
    // What an array holds, and whether it is one, is looked at where that is known.
    const kinds = kind.replace('array', 'object').split(' or ')
    if (value === undefined || (kinds.includes(typeof value) && value !== null)) continue
    throw new TypeError(`${option} must be ${/^[ao]/.test(kind) ? 'an' : 'a'} ${kind}, not ${describeKind(value)}`)
  }
  const { durability, name, dataDir, logger, environment, disk, transport, tls } = options
  if (durability !== undefined && durability !== 'none') {
    throw new TypeError(`durability must be 'none' or left out, not '${String(durability)}'`)
  }
  if (logger !== undefined) checkLogger(logger)
  if (environment !== undefined) checkEnvironment(environment)
  if (disk !== undefined) checkDisk(disk)
  if (typeof transport === 'object') checkTransport(transport)
  if (tls !== undefined) checkTlsOptions(tls)
  if (tls !== undefined && transport !== undefined)
    throw new TypeError('tls is for TCP: give it to the transport instead')
  checkAdvertise(options)
  if (name === '') throw new TypeError('name must not be empty')
  if (dataDir === '') throw new TypeError('dataDir must not be empty; leave it out to keep everything in memory')
  if (dataDir !== undefined && disk !== undefined) throw new TypeError('dataDir and disk exclude each other')
}

function describeKind(value: unknown): string {
  return value === null ? 'null' : typeof value
}
