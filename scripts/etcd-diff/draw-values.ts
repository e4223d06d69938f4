/** Keys, values, revisions and leases of a programme: few, so that operations meet, and of every class that could matter. */
import { prefixEnd } from '../../src/base/bytes.js'
import type { Draw } from '../../src/testing/swarm/draw.js'
import {
  FROM_KEY_ON,
  NO_LEASE,
  NO_REVISION,
  type AlarmType,
  type Bytes,
  type LeaseName,
  type RevisionFrom,
} from './operation.js'

/** With what could go wrong in the order of bytes: prefixes of each other, the least and the greatest bytes, several to a character. */
const KEYS: readonly Bytes[] = [
  'a',
  'ab',
  'abc',
  'ab\0',
  'ab\xff',
  'b',
  'c',
  '\0',
  '\0\0',
  '\xff',
  '\xff\xff',
  '\xc3\xa9',
  'key/1',
  'key/10',
  'key/2',
  'key0',
]
const LONG_KEY: Bytes = 'k'.repeat(5_000)
/** Beyond what we take; etcd takes it. */
export const KEY_TOO_LONG: Bytes = 'k'.repeat(70_000)

const VALUES: readonly Bytes[] = [
  '',
  'x',
  'y',
  'value',
  'another value',
  '\0',
  '\xff',
  '\0\xff\0',
  '\x80\xfe',
  '10',
  '9',
]
const LARGE_VALUE: Bytes = 'large'.repeat(8_000)
/** Beyond what both take. */
export const VALUE_TOO_LARGE: Bytes = 'x'.repeat(1_600_000)

/** Ids that programmes choose; with some that are never granted. */
const LEASES: readonly LeaseName[] = ['1', '2', '7', '-5', '9223372036854775807', '-9223372036854775808', '#1', '#2']
const UNKNOWN_LEASE: LeaseName = '404'

export class Values {
  /** Of two at once etcd goes by the one that was raised last. */
  readonly alarm: AlarmType
  readonly #keys: readonly Bytes[]

  readonly #draw: Draw
  readonly #emptyRanges: boolean

  /** Without empty ranges every one could hold a key. */
  constructor(draw: Draw, { emptyRanges }: { readonly emptyRanges: boolean }) {
    this.#draw = draw
    this.#emptyRanges = emptyRanges
    this.alarm = draw.of('alarm').pick(['NOSPACE', 'CORRUPT'] as const)
    this.#keys = draw.of('keys').some(KEYS, draw.of('keys').between(4, KEYS.length))
  }

  key(draw: Draw): Bytes {
    if (draw.oneIn(400)) return ''
    if (draw.oneIn(60)) return LONG_KEY
    return draw.pick(this.#keys)
  }

  /** Absent, without end, a prefix, an interval, one that holds nothing. */
  rangeEnd(draw: Draw, key: Bytes): Bytes {
    const rangeEnd = this.#anyRangeEnd(draw, key)
    return this.#emptyRanges || rangeEnd > key || rangeEnd === FROM_KEY_ON ? rangeEnd : ''
  }

  /** One for each key: etcd takes two permissions of one key and different ends for one another. */
  permissionEnd(key: Bytes): Bytes {
    return this.rangeEnd(this.#draw.of('permission', key), key)
  }

  #anyRangeEnd(draw: Draw, key: Bytes): Bytes {
    switch (draw.below(8)) {
      case 0:
      case 1:
      case 2:
        return ''
      case 3:
        return FROM_KEY_ON
      case 4:
        return prefixEnd(key)
      case 5:
        return key
      default:
        return this.key(draw)
    }
  }

  value(draw: Draw): Bytes {
    return draw.oneIn(100) ? LARGE_VALUE : draw.pick(VALUES)
  }

  /** Mostly none: the latest. */
  readRevision(draw: Draw): RevisionFrom {
    return draw.oneIn(3) ? this.someRevision(draw) : NO_REVISION
  }

  someRevision(draw: Draw): RevisionFrom {
    switch (draw.below(12)) {
      case 0:
        return NO_REVISION
      case 1:
        return { base: 'compacted', plus: -draw.between(0, 2) }
      case 2:
        return { base: 'compacted', plus: draw.between(0, 2) }
      case 3:
        return { base: 'current', plus: draw.between(1, 3) }
      case 4:
        return { base: 'current', plus: 0 }
      default:
        return { base: 'current', plus: -draw.between(0, 12) }
    }
  }

  /** Mostly none. */
  bound(draw: Draw): RevisionFrom {
    if (!draw.oneIn(8)) return NO_REVISION
    return draw.oneIn(6) ? { base: 'current', plus: 1 } : { base: 'current', plus: -draw.below(15) }
  }

  limit(draw: Draw): number {
    return draw.oneIn(2) ? 0 : draw.pick([1, 1, 2, 3, 5, 100])
  }

  lease(draw: Draw): LeaseName {
    return draw.oneIn(8) ? UNKNOWN_LEASE : draw.pick(LEASES)
  }

  putLease(draw: Draw): LeaseName {
    return draw.oneIn(5) ? this.lease(draw) : NO_LEASE
  }

  newLease(draw: Draw): LeaseName {
    return draw.pick(LEASES)
  }
}
