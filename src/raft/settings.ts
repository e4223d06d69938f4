/**
 * The options with every default filled in, checked once here; the rest of the core reads complete values.
 * A wrong option is misuse: `RangeError`, naming the option and the value.
 */
import { LIMITS } from '../base/limits.js'
import type { Random } from '../base/random.js'
import type { RaftOptions } from './options.js'
import type { RaftEvent } from './trace.js'
import { completeConfiguration, whyNotConfiguration, type CompleteConfiguration } from './configuration.js'
import type { Index, NodeId } from './types.js'

export interface Settings {
  readonly id: NodeId
  readonly configuration: CompleteConfiguration
  readonly configurationIndex: Index | undefined
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly preVote: boolean
  readonly checkQuorum: boolean
  readonly appendBytesMax: number
  readonly inflightAppendsMax: number
  readonly inflightAppendBytesMax: number
  readonly uncommittedBytesMax: number
  readonly applyBatchBytesMax: number
  readonly priority: ((id: NodeId) => number) | undefined
  readonly snapshotTimeoutMs: number
  readonly clockDriftMax: number
  readonly random: Random
  readonly trace: ((event: RaftEvent) => void) | undefined
}

const ELECTION_TIMEOUT_MS = 1000
const HEARTBEAT_INTERVAL_MS = 100
const SNAPSHOT_TIMEOUT_MS = 60_000
const CLOCK_DRIFT_MAX = 0.05

export function completeSettings(options: RaftOptions): Settings {
  const settings: Settings = {
    id: options.id,
    configuration: completeConfiguration(options.configuration),
    configurationIndex: options.configurationIndex,
    electionTimeoutMs: options.electionTimeoutMs ?? ELECTION_TIMEOUT_MS,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS,
    preVote: options.preVote ?? true,
    checkQuorum: options.checkQuorum ?? true,
    appendBytesMax: options.appendBytesMax ?? LIMITS.appendBytesMax,
    inflightAppendsMax: options.inflightAppendsMax ?? LIMITS.inflightAppendsMax,
    inflightAppendBytesMax: options.inflightAppendBytesMax ?? LIMITS.inflightAppendBytesMax,
    uncommittedBytesMax: options.uncommittedBytesMax ?? LIMITS.uncommittedBytesMax,
    applyBatchBytesMax: options.applyBatchBytesMax ?? LIMITS.applyBatchBytesMax,
    priority: options.priority,
    snapshotTimeoutMs: options.snapshotTimeoutMs ?? SNAPSHOT_TIMEOUT_MS,
    clockDriftMax: options.clockDriftMax ?? CLOCK_DRIFT_MAX,
    random: options.random,
    trace: options.trace,
  }
  requireNodeId(settings.id, 'id')
  requireConfiguration(settings)
  const { configurationIndex = 0 } = settings
  if (!Number.isSafeInteger(configurationIndex) || configurationIndex < 0) {
    throw new RangeError(`configurationIndex must be the index of an entry, got ${configurationIndex}`)
  }
  requirePositive(settings.electionTimeoutMs, 'electionTimeoutMs')
  requirePositive(settings.heartbeatIntervalMs, 'heartbeatIntervalMs')
  requirePositive(settings.appendBytesMax, 'appendBytesMax')
  requirePositive(settings.inflightAppendsMax, 'inflightAppendsMax')
  requirePositive(settings.inflightAppendBytesMax, 'inflightAppendBytesMax')
  requirePositive(settings.uncommittedBytesMax, 'uncommittedBytesMax')
  requirePositive(settings.applyBatchBytesMax, 'applyBatchBytesMax')
  requirePositive(settings.snapshotTimeoutMs, 'snapshotTimeoutMs')
  if (!(settings.clockDriftMax >= 0 && settings.clockDriftMax < 1)) {
    throw new RangeError(`clockDriftMax must be a share from 0 to below 1, got ${settings.clockDriftMax}`)
  }
  if (!Number.isSafeInteger(settings.inflightAppendsMax)) {
    throw new RangeError(`inflightAppendsMax must be a whole number, got ${settings.inflightAppendsMax}`)
  }
  if (settings.heartbeatIntervalMs >= settings.electionTimeoutMs) {
    throw new RangeError(
      `heartbeatIntervalMs (${settings.heartbeatIntervalMs}) must be less than electionTimeoutMs (${settings.electionTimeoutMs}): ` +
        'otherwise followers campaign between two heartbeats',
    )
  }
  return settings
}

function requireConfiguration({ id, configuration }: Settings): void {
  const { voters, learners } = configuration
  // A member that joins knows nothing but that it has no vote.
  if (voters.length === 0 && !(learners.length === 1 && learners[0] === id)) {
    throw new RangeError('configuration.voters must not be empty: nobody could be elected')
  }
  for (const voter of voters) requireNodeId(voter, 'configuration.voters')
  if (new Set(voters).size !== voters.length) {
    throw new RangeError(`configuration.voters must not repeat an id: ${voters.join(', ')}`)
  }
  const wrong = whyNotConfiguration(configuration)
  if (wrong !== undefined) throw new RangeError(`configuration makes no sense: ${wrong}`)
}

function requireNodeId(id: NodeId, what: string): void {
  if (!Number.isSafeInteger(id) || id <= 0) throw new RangeError(`${what} must be a positive safe integer, got ${id}`)
}

function requirePositive(value: number, what: string): void {
  if (!(value > 0)) throw new RangeError(`${what} must be greater than 0, got ${value}`)
}
