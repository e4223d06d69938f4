/** What 10,000 watchers cost a put that ten of them want to see. */
import { prefixEnd } from '../../src/base/bytes.js'
import { NO_LEASE, type Event } from '../../src/mvcc/types.js'
import type { Filter } from '../../src/watch/filter.js'
import { WatchHub } from '../../src/watch/hub.js'
import type { Watcher } from '../../src/watch/watcher.js'
import { atMost, bestOf, print } from './report.js'
import { keyAt, VALUE } from './workload.js'

const WATCHERS = 10_000
const MATCHING = 10
const PUTS = 5000
const ROUNDS = 5
/** A key of its own for each group of ten watchers. */
const KEYS = WATCHERS / MATCHING

/** Behind the key: watched by prefixes of ten lengths. */
const TAIL = '/abcdefghi'

const KINDS: Readonly<Record<string, (key: string, nth: number) => Filter>> = {
  'each key by ten': (key) => ({ key: key + TAIL }),
  'prefixes, each its own': (key, nth) => prefix(key + TAIL.slice(0, nth + 1)),
  'ranges that are no prefixes, 1,000 different': (key) => ({ key, rangeEnd: `${key}~~` }),
  'ranges that are no prefixes, each its own': (key, nth) => ({ key, rangeEnd: `${key}~${nth}` }),
}

function prefix(key: string): Filter {
  return { key, rangeEnd: prefixEnd(key) }
}

export async function watch(): Promise<void> {
  for (const [name, filterOf] of Object.entries(KINDS)) {
    const hub = new WatchHub(0)
    const watchers: Watcher[] = []
    for (let at = 0; at < WATCHERS; at++) {
      watchers.push(hub.open({ ...filterOf(keyAt(Math.floor(at / MATCHING)), at % MATCHING), currentRevision: 0 }))
    }
    let revision = 0
    const perSecond = bestOf(ROUNDS, () => {
      let elapsedMs = 0
      for (let put = 0; put < PUTS; put++) {
        const events = [eventOf(put % KEYS, ++revision)]
        const startMs = performance.now()
        hub.publish(revision, events)
        elapsedMs += performance.now() - startMs
        if (put % KEYS === KEYS - 1) for (const watcher of watchers) while (watcher.take() !== undefined);
      }
      return (PUTS / elapsedMs) * 1000
    })
    print(`a put among ${WATCHERS.toLocaleString('en')} watchers, ${name}`, 1_000_000 / perSecond, 'µs', atMost(20))
  }
}

function eventOf(key: number, revision: number): Event {
  const keyValue = {
    key: keyAt(key) + TAIL,
    value: VALUE,
    createRevision: 2,
    modRevision: revision,
    version: 1,
    lease: NO_LEASE,
  }
  return { type: 'put', keyValue, previous: undefined }
}
