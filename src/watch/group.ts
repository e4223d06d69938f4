/**
 * The watchers that follow live, found by the keys they watch.
 *
 * Those of equal filters form a group: an event is matched once for all of them, and they share one batch. Groups of a
 * single key are found by that key, those of a range by their stem, which all keys in the range begin with: the
 * beginnings of the key are looked up that have a length any stem has. So only ranges of one stem are tried one by one.
 */
import type { Key } from '../base/bytes.js'
import type { Event } from '../mvcc/types.js'
import { admitsType, contains, identityOf, stemOf, type Filter } from './filter.js'
import type { Watcher } from './watcher.js'

export class Group {
  readonly filter: Filter
  readonly watchers = new Set<Watcher>()
  /** Its events of the revision that is being published. */
  gathered: Event[] = []

  constructor(filter: Filter) {
    this.filter = filter
  }
}

export class Groups {
  readonly #byIdentity = new Map<string, Group>()
  readonly #byKey = new Map<Key, Set<Group>>()
  readonly #byStem = new Map<Key, Set<Group>>()
  /** How many groups there are with a stem of each length. */
  readonly #stemLengths = new Map<number, number>()

  add(watcher: Watcher): void {
    const identity = identityOf(watcher.filter)
    let group = this.#byIdentity.get(identity)
    if (group === undefined) {
      group = new Group(watcher.filter)
      this.#byIdentity.set(identity, group)
      this.#enter(group)
    }
    group.watchers.add(watcher)
  }

  remove(watcher: Watcher): void {
    const identity = identityOf(watcher.filter)
    const group = this.#byIdentity.get(identity)
    if (group === undefined || !group.watchers.delete(watcher) || group.watchers.size > 0) return
    this.#byIdentity.delete(identity)
    this.#leave(group)
  }

  *watchers(): IterableIterator<Watcher> {
    for (const group of this.#byIdentity.values()) yield* group.watchers
  }

  /** The groups that the events of one revision concern, each with its events gathered. */
  gather(events: readonly Event[]): readonly Group[] {
    const concerned: Group[] = []
    const give = (group: Group, event: Event) => {
      if (!admitsType(group.filter, event)) return
      if (group.gathered.length === 0) concerned.push(group)
      group.gathered.push(event)
    }
    for (const event of events) {
      const { key } = event.keyValue
      for (const group of this.#byKey.get(key) ?? NONE) give(group, event)
      for (const length of this.#stemLengths.keys()) {
        if (length > key.length) continue
        for (const group of this.#byStem.get(key.slice(0, length)) ?? NONE) {
          if (contains(group.filter, key)) give(group, event)
        }
      }
    }
    return concerned
  }

  #enter(group: Group): void {
    const { filter } = group
    if (filter.rangeEnd === undefined) {
      addTo(this.#byKey, filter.key, group)
      return
    }
    const stem = stemOf(filter.key, filter.rangeEnd)
    addTo(this.#byStem, stem, group)
    this.#stemLengths.set(stem.length, (this.#stemLengths.get(stem.length) ?? 0) + 1)
  }

  #leave(group: Group): void {
    const { filter } = group
    if (filter.rangeEnd === undefined) {
      removeFrom(this.#byKey, filter.key, group)
      return
    }
    const stem = stemOf(filter.key, filter.rangeEnd)
    removeFrom(this.#byStem, stem, group)
    const left = (this.#stemLengths.get(stem.length) ?? 0) - 1
    if (left === 0) this.#stemLengths.delete(stem.length)
    else this.#stemLengths.set(stem.length, left)
  }
}

const NONE: readonly Group[] = []

function addTo(map: Map<Key, Set<Group>>, key: Key, group: Group): void {
  const found = map.get(key)
  if (found === undefined) map.set(key, new Set([group]))
  else found.add(group)
}

function removeFrom(map: Map<Key, Set<Group>>, key: Key, group: Group): void {
  const found = map.get(key)
  found?.delete(group)
  if (found?.size === 0) map.delete(key)
}
