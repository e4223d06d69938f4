/** Entries that change the membership, from the log into the state: the core's part of them decoded, the rest the machine's. */
import type { Machine } from '../machine/machine.js'
import { decodeConfiguration } from '../raft/confchange/codec.js'
import type { Entry } from '../raft/types.js'

/** The entry is of the kind `configuration`, and the core has decoded it before. */
export function applyConfiguration(
  machine: Machine,
  { index, term, data }: Pick<Entry, 'index' | 'term' | 'data'>,
): void {
  machine.configure(index, term, decodeConfiguration(data))
}
