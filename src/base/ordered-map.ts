/**
 * An ordered map from keys to values: sorted-btree behind the few calls we need.
 *
 * The one file that touches the package: it is CommonJS whose class is `exports.default`, which Node gives to an ES module
 * one level deeper than bundlers and vitest do.
 */
import imported from 'sorted-btree'
import { FROM_KEY_ON, type Key } from './bytes.js'

type Constructor = typeof imported.default
type Tree<V> = imported.default<Key, V>

export class OrderedMap<V> {
  readonly #tree: Tree<V>

  constructor(copied?: OrderedMap<V>) {
    const BTree = constructorOf(imported)
    this.#tree = copied === undefined ? new BTree<Key, V>(undefined, compareKeys) : copied.#tree.clone()
  }

  get size(): number {
    return this.#tree.size
  }

  get(key: Key): V | undefined {
    return this.#tree.get(key)
  }

  /** A copy that shares what neither changes: it costs as much as what is changed afterwards. */
  clone(): OrderedMap<V> {
    return new OrderedMap(this)
  }

  /** The pair with the least key above `key`, or at it if `inclusive`. */
  next(key: Key, inclusive: boolean): readonly [Key, V] | undefined {
    return inclusive ? this.#tree.getPairOrNextHigher(key) : this.#tree.nextHigherPair(key)
  }

  /** The pair with the greatest key below `key`, or at it if `inclusive`; without a key, the last pair of all. */
  previous(key: Key | undefined, inclusive: boolean): readonly [Key, V] | undefined {
    return inclusive && key !== undefined ? this.#tree.getPairOrNextLower(key) : this.#tree.nextLowerPair(key)
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
  visit(start: Key, end: Key, visit: (value: V, key: Key) => boolean): void {
    const last = this.#tree.maxKey()
    if (last === undefined) return
    const open = end === FROM_KEY_ON
    this.#tree.forRange(start, open ? last : end, open, (key, value) => (visit(value, key) ? undefined : STOP))
  }
}

/** What sorted-btree takes for "break off". */
const STOP = Object.freeze({ break: 0 })

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function constructorOf(imported: Constructor | { readonly default: Constructor }): Constructor {
  return typeof imported === 'function' ? imported : imported.default
}
