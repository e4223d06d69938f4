/**
 * The rounds of a double barrier, as the store shows them: who is inside, and who waits for the next one.
 *
 * Always: a party is known by the end of its key and by the revision of its creation, which no other one ever has, and by no
 * more: the record must mean the same through any namespace.
 */
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import { inLine } from '../lock/line.js'
import { prefixOf } from '../name.js'

/** A round that was opened. */
export interface Round {
  /** 1 for the first one. */
  readonly number: number
  /** Where `name/` ends in its key, and the revision at which that was created: for each party. */
  readonly parties: Readonly<Record<string, Revision>>
}

/** Everything there is to know, as of one revision. */
export interface RoundView {
  readonly revision: Revision
  /** The latest round, also when all of it have left; `number` 0 before the first one. */
  readonly round: Round
  /** Of the key that says so; 0 before the first round. */
  readonly roundModRevision: Revision
  /** Parties of it that have not left. */
  readonly inside: readonly KeyValue[]
  /** Who waits for the next one, in the order they came. */
  readonly waiting: readonly KeyValue[]
}

const NO_ROUND: Round = { number: 0, parties: {} }

export function roundKeyOf(name: string): string {
  return `${prefixOf(name)}round`
}

export async function readRound(store: Store, name: string, options: CallOptions): Promise<RoundView> {
  const { items, revision } = await store.range({ prefix: prefixOf(name) }, options)
  const record = items.find(({ key }) => key === roundKeyOf(name))
  const round = record === undefined ? NO_ROUND : roundOf(record)
  const there = inLine(name, items)
  return {
    revision,
    round,
    roundModRevision: record?.modRevision ?? 0,
    inside: there.filter((each) => isIn(name, round, each)),
    waiting: there.filter((each) => !isIn(name, round, each)),
  }
}

export function isIn(
  name: string,
  { parties }: Round,
  { key, createRevision }: Pick<KeyValue, 'key' | 'createRevision'>,
): boolean {
  return parties[key.slice(prefixOf(name).length)] === createRevision
}

/** The next round, of these. */
export function roundAfter(name: string, { number }: Round, parties: readonly KeyValue[]): Round {
  const start = prefixOf(name).length
  return {
    number: number + 1,
    parties: Object.fromEntries(parties.map(({ key, createRevision }) => [key.slice(start), createRevision])),
  }
}

export function roundText(round: Round): string {
  return JSON.stringify(round)
}

function roundOf(record: KeyValue): Round {
  try {
    const { number, parties } = record.json<Partial<Round>>()
    if (Number.isSafeInteger(number) && typeof parties === 'object') return { number, parties } as Round
  } catch {
    // Said below.
  }
  throw new StoreError('MALFORMED', `${quote(record.key)} does not hold a round: something else has written it`)
}
