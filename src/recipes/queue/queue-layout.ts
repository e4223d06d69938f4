/**
 * Where a queue lies. Places are numbers of 16 digits, given in the order of the adding, so that the order of the keys is
 * that of the queue and its front is read without the rest.
 *
 *     name/tail                       the last place that was given
 *     name/by                         the id of the last addition or completion: what history is asked for (commit-once.ts)
 *     name/items/0000000000000042     an item; the key's version counts how often it was claimed
 *     name/items/0000000000000043/id  one with an id of the caller's
 *     name/claims/0000000000000042    claimed: under the lease of whoever works on it
 *     name/names/id                   the place of the item with that id, while it is in the queue
 *
 * Claims and items lie next to each other: one watch sees both, and nothing else.
 */
import type { Selection } from '../../api/key-value.js'
import { prefixOf } from '../name.js'

const DIGITS = 16

export class QueueLayout {
  readonly tail: string
  readonly mark: string
  readonly items: string
  readonly claims: string
  readonly #names: string

  constructor(name: string) {
    const prefix = prefixOf(name)
    this.tail = `${prefix}tail`
    this.mark = `${prefix}by`
    this.items = `${prefix}items/`
    this.claims = `${prefix}claims/`
    this.#names = `${prefix}names/`
  }

  /** Items and claims. */
  get watched(): Selection {
    return { from: this.claims, to: this.#itemsEnd }
  }

  /** All items behind the one with this key. */
  itemsBehind(key: string): Selection {
    return { from: `${key}\0`, to: this.#itemsEnd }
  }

  /** The first key that is behind all items: with the next character in place of the last one. */
  get #itemsEnd(): string {
    return `${this.items.slice(0, -1)}0`
  }

  item(place: number, id: string | undefined): string {
    const digits = String(place).padStart(DIGITS, '0')
    return `${this.items}${digits}${id === undefined ? '' : `/${id}`}`
  }

  isItem(key: string): boolean {
    return key.startsWith(this.items)
  }

  /** The digits of an item or of a claim: the same for both. */
  placeOf(key: string): string {
    const start = this.isItem(key) ? this.items.length : this.claims.length
    return key.slice(start, start + DIGITS)
  }

  /** The id of the item with this key: the caller's, or else its place. */
  idOf(itemKey: string): string {
    const named = itemKey.slice(this.items.length + DIGITS + 1)
    return named === '' ? this.placeOf(itemKey) : named
  }

  claimOf(itemKey: string): string {
    return `${this.claims}${this.placeOf(itemKey)}`
  }

  /** The one item at a place. */
  itemsAt(place: string): Selection {
    return { prefix: `${this.items}${place}` }
  }

  name(id: string): string {
    return `${this.#names}${id}`
  }

  /** What goes when an item goes. */
  keysOf(itemKey: string): string[] {
    const named = itemKey.length > this.items.length + DIGITS
    return [itemKey, this.claimOf(itemKey), ...(named ? [this.name(this.idOf(itemKey))] : [])]
  }
}
