/** What is run on both sides, chapter by chapter, in the words of somebody who tries out every command. */
import { auth } from './chapter-auth.js'
import { keys } from './chapter-keys.js'
import { leases } from './chapter-leases.js'
import { locks } from './chapter-locks.js'
import { maintenance } from './chapter-maintenance.js'
import { members } from './chapter-members.js'
import { performance } from './chapter-performance.js'
import { transactions } from './chapter-transactions.js'
import { watches } from './chapter-watches.js'
import type { Side } from './side.js'

export interface Chapter {
  readonly name: string
  readonly run: (side: Side) => Promise<void>
  /** It takes minutes: only in a full run. */
  readonly long?: true
}

export const CHAPTERS: readonly Chapter[] = [
  { name: 'keys', run: keys },
  { name: 'transactions', run: transactions },
  { name: 'watches', run: watches },
  { name: 'leases', run: leases },
  { name: 'locks', run: locks },
  { name: 'maintenance', run: maintenance },
  { name: 'auth', run: auth },
  { name: 'members', run: members },
  { name: 'performance', run: performance, long: true },
]
