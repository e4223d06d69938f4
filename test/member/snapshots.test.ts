/** How long a snapshot may take: by the clock alone, over a state that is in memory. */
import { expect, test } from 'vitest'
import { NEVER } from '../../src/base/buggify.js'
import { LIMITS } from '../../src/base/limits.js'
import { Machine } from '../../src/machine/machine.js'
import { Deadlines } from '../../src/member/deadlines.js'
import { Snapshots } from '../../src/member/snapshots.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { openStorage } from '../../src/storage/storage.js'
import { codeOfAsync } from '../code-of.js'

const IDENTITY = { clusterId: 1, memberId: 7, name: 'a' }

/** A clock that stands until it is moved, and timers by it. */
class HandTime {
  nowMs = 0
  #timers: { readonly atMs: number; readonly action: () => void }[] = []

  readonly clock = { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs }
  readonly timers = {
    after: (delayMs: number, action: () => void) => {
      const timer = { atMs: this.nowMs + delayMs, action }
      this.#timers.push(timer)
      return () => {
        this.#timers = this.#timers.filter((each) => each !== timer)
      }
    },
    soon: (action: () => void) => {
      queueMicrotask(action)
      return () => undefined
    },
  }

  pass(ms: number): void {
    this.nowMs += ms
    for (const { atMs, action } of [...this.#timers]) if (atMs <= this.nowMs) action()
  }
}

async function snapshotsOf(time: HandTime): Promise<Snapshots> {
  const storage = await openStorage(memoryDisk(), IDENTITY)
  const { state } = storage
  const machine = new Machine({ backend: state })
  machine.finishLoading()
  const record = new Uint8Array(LIMITS.snapshotBlockBytes)
  for (let nth = 0; nth < 100; nth++) state.set(`x${String(nth).padStart(3, '0')}`, record)
  const { clock, timers } = time
  const deadlines = new Deadlines(clock, timers)
  return new Snapshots({ identity: IDENTITY, machine, storage, deadlines, clock, timers, buggify: NEVER })
}

test('a snapshot whose every piece is in time ends after an hour all the same', async () => {
  const time = new HandTime()
  const stream = (await snapshotsOf(time)).open(undefined)
  const takeSlowly = async (): Promise<void> => {
    while ((await stream.next()) !== undefined) time.pass(LIMITS.snapshotPieceMsMax - 1)
  }
  expect(await codeOfAsync(takeSlowly)).toBe('TIMEOUT')
  expect(time.nowMs).toBeGreaterThanOrEqual(LIMITS.snapshotMsMax)
  expect(time.nowMs).toBeLessThan(LIMITS.snapshotMsMax + LIMITS.snapshotPieceMsMax)
})

test('a snapshot that is taken at once leaves no timer that would end it later', async () => {
  const time = new HandTime()
  const stream = (await snapshotsOf(time)).open(undefined)
  let pieces = 0
  while ((await stream.next()) !== undefined) pieces++
  expect(pieces).toBeGreaterThan(100)
  time.pass(LIMITS.snapshotMsMax)
  expect(await stream.next()).toBeUndefined()
})
