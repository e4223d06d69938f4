/** A disk that does not answer: whoever waits for it is told in time, and nothing is counted on afterwards. */
import { describe, expect, test } from 'vitest'
import type { StoreError } from '../../src/base/errors.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { DiskWatch } from '../../src/storage/disk-watch.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { SimDisk, type SimDiskLatency } from '../../src/testing/sim/sim-disk.js'
import { IDENTITY, entries, write } from './disks.js'

const TIMEOUT_MS = 800
/** A slice more, and what the disk takes itself. */
const LATEST_MS = TIMEOUT_MS * (9 / 8) + 5

class Rig {
  readonly scheduler = new SimScheduler()
  readonly disk: SimDisk

  constructor(latency: Partial<SimDiskLatency> = {}) {
    this.disk = new SimDisk({ timers: this.scheduler.timersOf(), seed: 1, latency })
  }

  async opened(): Promise<Storage> {
    const opening = this.open()
    await this.until(opening, 100)
    return opening
  }

  open(): Promise<Storage> {
    return openStorage(this.disk.mount(), IDENTITY, { timers: this.scheduler.timersOf(), diskTimeoutMs: TIMEOUT_MS })
  }

  /** What it rejects with, and after how many milliseconds. */
  async rejection(work: Promise<unknown>): Promise<{ readonly error: StoreError; readonly afterMs: number }> {
    const beganMs = this.scheduler.nowMs
    const failed = work.then(
      () => expect.unreachable('it succeeded'),
      (error: unknown) => ({ error: error as StoreError, afterMs: this.scheduler.nowMs - beganMs }),
    )
    await this.until(failed, 10 * TIMEOUT_MS)
    return failed
  }

  async until(work: Promise<unknown>, limitMs: number): Promise<void> {
    let settled = false
    const settle = (): void => void (settled = true)
    work.then(settle, settle)
    // What is begun without anything of the world being due.
    await new Promise((resolve) => setImmediate(resolve))
    if (!(await this.scheduler.runUntil(() => settled, limitMs))) throw new Error(`nothing came of it in ${limitMs} ms`)
  }

  pass(ms: number): Promise<boolean> {
    return this.scheduler.runUntil(() => false, ms)
  }
}

describe('a disk that does not answer', () => {
  test.each([
    ['an append', (storage: Storage) => storage.log.append(write(entries(1, 1, 1))), 'writing the log'],
    ['a commit', (storage: Storage) => storage.state.commit(), 'the state|the high-water file'],
  ])('makes %s reject, with what to look at, and nothing is written any more', async (_, act, what) => {
    const rig = new Rig()
    const storage = await rig.opened()
    rig.disk.hang()
    const { error, afterMs } = await rig.rejection(act(storage))
    expect(error).toMatchObject({ code: 'DISK_FAILED', outcome: 'unknown' })
    expect(error.message).toMatch(new RegExp(`${what}.* did not end within 0\\.8 s: the disk does not answer.*dmesg`))
    expect(afterMs).toBeGreaterThanOrEqual(TIMEOUT_MS)
    expect(afterMs).toBeLessThan(LATEST_MS)

    rig.disk.goOn()
    await rig.pass(100)
    const later = await rig.rejection(storage.log.append(write(entries(1, 1, 1))))
    expect(later.error).toBe(error)
    await rig.until(storage.close(), 100)
  })

  test('ends the write of a state that is received, and everything else with it', async () => {
    const rig = new Rig()
    const storage = await rig.opened()
    const beginning = storage.beginIncoming()
    await rig.until(beginning, 100)
    const incoming = await beginning
    rig.disk.hang()
    const { error, afterMs } = await rig.rejection(incoming.write([['k', new Uint8Array(1)]]))
    expect(error).toMatchObject({ code: 'DISK_FAILED', outcome: 'unknown' })
    expect(error.message).toContain('writing a received state in the disk of disk did not end')
    expect(afterMs).toBeLessThan(LATEST_MS)
    rig.disk.goOn()
    const later = await rig.rejection(storage.log.append(write(entries(1, 1, 1))))
    expect(later.error).toBe(error)
    await rig.until(storage.close(), 100)
  })

  test('does not keep the close waiting, and the directory stays locked', async () => {
    const rig = new Rig()
    const storage = await rig.opened()
    rig.disk.hang()
    const { error, afterMs } = await rig.rejection(storage.close())
    expect(error.code).toBe('DISK_FAILED')
    // The sync of the last mark first, then the databases.
    expect(afterMs).toBeLessThan(2 * LATEST_MS)
    rig.disk.goOn()
  })

  test('is closed soon where it was given up before', async () => {
    const rig = new Rig()
    const storage = await rig.opened()
    rig.disk.hang()
    await rig.rejection(storage.log.append(write(entries(1, 1, 1))))
    const { error, afterMs } = await rig.rejection(storage.close())
    expect(error.message).toMatch(/could not be closed within 0\.8 s.*stays locked until this process ends/)
    // The times are sums of fractions.
    expect(afterMs).toBeLessThanOrEqual(TIMEOUT_MS / 4 + 1e-6)
  })

  test('lets an open fail when it comes to its first write', async () => {
    const rig = new Rig({ sync: [10 * TIMEOUT_MS, 10 * TIMEOUT_MS] })
    const { error } = await rig.rejection(rig.open())
    expect(error).toMatchObject({ code: 'DISK_FAILED' })
    expect(error.message).toContain('creating the high-water file in the disk of disk did not end')
  })
})

describe('the time that a disk may take', () => {
  /** Timers that fire when they are told to. */
  const byHand = () => {
    const due: (() => void)[] = []
    const after = (_delayMs: number, action: () => void): (() => void) => {
      due.push(action)
      return () => void due.splice(due.indexOf(action), 1)
    }
    return { timers: { after, soon: (action: () => void) => after(0, action) }, due, fire: () => due.shift()?.() }
  }
  const late = (): Error => new Error('late')

  test('does not pass while the process is stopped: it gets to look before it judges', async () => {
    const { timers, fire } = byHand()
    const watch = new DiskWatch(timers, 1_000)
    let finish = (_value: string): void => undefined
    const waiting = watch.wait(new Promise<string>((resolve) => (finish = resolve)), late)
    // An hour may have gone by: it is one slice.
    for (let slice = 0; slice < 8; slice++) fire()
    finish('done')
    await expect(waiting).resolves.toBe('done')
  })

  test('is counted for each by itself, and no timer is left when nothing is waited for', async () => {
    const { timers, due, fire } = byHand()
    const watch = new DiskWatch(timers, 1_000)
    const never = new Promise<void>(() => undefined)
    const first = watch.wait(never, late)
    for (let slice = 0; slice < 4; slice++) fire()
    const second = watch.wait(never, late)
    expect(due).toHaveLength(1)
    let given = 0
    for (const each of [first, second]) each.catch(() => void given++)
    for (let slice = 0; slice < 5; slice++) fire()
    await Promise.resolve()
    await expect(first).rejects.toThrow('late')
    expect(given).toBe(1)
    for (let slice = 0; slice < 4; slice++) fire()
    await expect(second).rejects.toThrow('late')
    expect(due).toHaveLength(0)
    expect(watch.hung).toBe(true)
  })

  test('is without an end where none is set', async () => {
    const done = Promise.resolve(1)
    expect(new DiskWatch().wait(done, late)).toBe(done)
  })
})
