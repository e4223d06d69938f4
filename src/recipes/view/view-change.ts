/** What a cached view tells of a change of one key. */
import type { Revision } from '../../api/operations.js'
import type { Key } from '../../base/bytes.js'

interface Change<Value> {
  /** As text. */
  readonly key: string
  /** What was shown under the key before; undefined when nothing was. */
  readonly previous: Value | undefined
  /** Of the change. Of a deletion that was found by listing anew: of the list. Never smaller than that of the change before. */
  readonly revision: Revision
}

export interface ViewPut<Value> extends Change<Value> {
  readonly type: 'put'
  readonly value: Value
}

export interface ViewDelete<Value> extends Change<Value> {
  readonly type: 'delete'
  readonly value: undefined
}

/** The key was put with a value that `decode` threw at: it is not shown until it is put again. */
export interface ViewUnreadable<Value> extends Change<Value> {
  readonly type: 'unreadable'
  readonly value: undefined
  /** What `decode` threw. */
  readonly error: unknown
}

/** Told apart by `type`. */
export type ViewChange<Value> = ViewPut<Value> | ViewDelete<Value> | ViewUnreadable<Value>

/** A loop over changes, of one consumer. */
export interface ViewChanges<Value> extends AsyncIterableIterator<ViewChange<Value>, undefined> {
  /** How many changes wait to be taken. */
  readonly backlog: number
}

/** A change, and what it takes to put it together with others of its key. */
export interface Difference<Value> {
  /** As bytes: of keys that are not text, several may read the same. */
  readonly at: Key
  /** Whether the key was there before, shown or unreadable. */
  readonly known: boolean
  /** Of the key and the value, as stored. */
  readonly bytes: number
  readonly change: ViewChange<Value>
}
