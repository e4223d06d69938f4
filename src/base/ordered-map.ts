/**
 * An ordered map from keys to values: sorted-btree behind the few calls we need.
 *
 * The one file that touches the package: it is CommonJS whose class is `exports.default`, which Node gives to an ES module
 * one level deeper than bundlers and vitest do.
 */
import imported from 'sorted-btree'
import { FROM_KEY_ON, type Key } from './bytes.js'

export class OrderedMap<V> {
  readonly #tree: InstanceType<typeof imported.default<Key, V>>

  constructor() {
    const BTree = constructorOf(imported)
    this.#tree = new BTree<Key, V>(undefined, compareKeys)
  }

  get size(): number {
    return this.#tree.size
  }

  set(key: Key, value: V): void {
    this.#tree.set(key, value)
  }

  delete(key: Key): void {
    this.#tree.delete(key)
  }

  /**
   * Visits the values of the keys from `start` to before `end` ({@link FROM_KEY_ON}: to the last), in order, until
   * `visit` returns false. The map must not change meanwhile.
   */
  visit(start: Key, end: Key, visit: (value: V) => boolean): void {
    const last = this.#tree.maxKey()
    if (last === undefined) return
    const open = end === FROM_KEY_ON
    this.#tree.forRange(start, open ? last : end, open, (_key, value) => (visit(value) ? undefined : STOP))
  }
}

/** What sorted-btree takes for "break off". */
const STOP = Object.freeze({ break: 0 })

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}

type Constructor = typeof imported.default

function constructorOf(imported: Constructor | { readonly default: Constructor }): Constructor {
  return typeof imported === 'function' ? imported : imported.default
}
