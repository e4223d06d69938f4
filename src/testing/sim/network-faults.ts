/** What a simulated network does to frames, as rates and times. */
import { checkFields, kind } from '../../api/check-fields.js'

/** Rates are per million frames, times are milliseconds. */
export interface NetworkFaults {
  /** Frames that never arrive. */
  readonly lossPerMillion: number
  /** Every frame takes at least this long, */
  readonly delayMsMin: number
  /** and half of those that take a further `delayMsHalf` take yet another one, at most 32 times. */
  readonly delayMsHalf: number
  /** Frames that take `spikeMs` longer; those behind them wait, as on a connection. */
  readonly spikePerMillion: number
  readonly spikeMs: number
  /** Frames that leave the line: they take up to `reorderMsMax` longer, and later ones overtake them. */
  readonly reorderPerMillion: number
  readonly reorderMsMax: number
  /** Frames that arrive a second time, up to `duplicateMsMax` later, perhaps in another life of the receiver. */
  readonly duplicatePerMillion: number
  readonly duplicateMsMax: number
  /** Frames in which bits flip. The receiver's checksum finds it, and the connection is dropped as by {@link SimNetwork.reset}. */
  readonly flipPerMillion: number
  /** How much a way carries; frames wait for those before them. 0: as much as comes. */
  readonly bytesPerSecond: number
  /** How long a cut or a healing stays unnoticed: frames into a fresh cut are accepted, and gone. */
  readonly noticeMs: number
}

export const NO_FAULTS: NetworkFaults = {
  lossPerMillion: 0,
  delayMsMin: 0,
  delayMsHalf: 0,
  spikePerMillion: 0,
  spikeMs: 0,
  reorderPerMillion: 0,
  reorderMsMax: 0,
  duplicatePerMillion: 0,
  duplicateMsMax: 0,
  flipPerMillion: 0,
  bytesPerSecond: 0,
  noticeMs: 0,
}

/** Throws TypeError for one that there is not, RangeError for a number that is none: no frame would ever arrive. */
export function checkNetworkFaults(faults: Partial<NetworkFaults> | undefined): void {
  checkFields(faults, { ...NO_FAULTS }, 'network')
  for (const [name, value] of Object.entries(faults ?? {}) as [string, unknown][]) {
    if (typeof value !== 'number') throw new TypeError(`network.${name} must be a number, not ${kind(value)}`)
    if (!Number.isFinite(value) || value < 0) {
      throw new RangeError(`network.${name} must be finite and 0 or more, not ${value}`)
    }
    if (name.endsWith('PerMillion') && value > 1_000_000) {
      throw new RangeError(`network.${name} must be at most 1,000,000, not ${value}`)
    }
  }
}
