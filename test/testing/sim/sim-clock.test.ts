/** Clocks of machines: they drift, stand still and are set, and timers follow them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SimClock } from '../../../src/testing/sim/sim-clock.js'
import { SimProcess } from '../../../src/testing/sim/sim-process.js'
import { SimScheduler } from '../../../src/testing/sim/scheduler.js'

class Machine {
  readonly scheduler = new SimScheduler()
  readonly clock = new SimClock(this.scheduler, { monotonicMs: 5000, wallMs: 1_000_000 })
  readonly timers = this.scheduler.timersOf(new SimProcess('p', this.clock))
  readonly fired: number[] = []

  set(ms: number): void {
    this.timers.after(ms, () => this.fired.push(this.scheduler.nowMs))
  }

  pass(ms: number): Promise<boolean> {
    return this.scheduler.runUntil(() => false, ms)
  }
}

test('a clock that runs fast fires timers early, those too that were set before', async () => {
  const machine = new Machine()
  machine.set(100)
  await machine.pass(50)
  machine.clock.drift(1_000_000)
  machine.set(100)
  await machine.pass(100)
  expect(machine.fired).toEqual([75, 100])
  expect(machine.clock.monotonicMs()).toBe(5000 + 50 + 200)
})

test('a clock that stands still fires nothing but what is due now, and goes on from where it stood', async () => {
  const machine = new Machine()
  machine.set(100)
  await machine.pass(60)
  machine.clock.freeze()
  machine.set(0)
  machine.set(10)
  machine.timers.soon(() => machine.fired.push(-1))
  await machine.pass(1000)
  expect(machine.fired).toEqual([60, -1])
  expect(machine.clock.monotonicMs()).toBe(5060)
  machine.clock.thaw()
  await machine.pass(1000)
  expect(machine.fired.slice(2)).toEqual([1070, 1100])
})

test('wall time jumps and swings; monotonic time and timers do not notice', async () => {
  const { clock, scheduler } = new Machine()
  const wall = (): number => clock.wallMs()
  expect(wall()).toBe(1_000_000)
  clock.jumpWall(-3000)
  expect(wall()).toBe(997_000)
  clock.swingWall(100, 1000)
  const swung: number[] = []
  for (let count = 0; count < 4; count++) {
    await scheduler.runUntil(() => false, 250)
    swung.push(wall() - 997_000 - scheduler.nowMs)
  }
  expect(swung).toEqual([100, 0, -100, 0])
  clock.steadyWall()
  expect(clock.monotonicMs()).toBe(6000)
})

test('nonsense is refused by name and value', () => {
  const { clock } = new Machine()
  expect(() => clock.drift(-1_000_000)).toThrow('perMillion must be a whole number above -1000000, not -1000000')
  expect(() => clock.swingWall(10, 0)).toThrow('periodMs must be above 0, not 0')
})

test('whatever is done to a clock, it never goes back, and no timer fires before its time by that clock', async () => {
  const change = fc.oneof(
    fc.integer({ min: -999_999, max: 5_000_000 }).map((perMillion) => ['drift', perMillion] as const),
    fc.constantFrom(['freeze', 0] as const, ['thaw', 0] as const),
    fc.integer({ min: -5000, max: 5000 }).map((ms) => ['jump', ms] as const),
    fc.double({ min: 0, max: 500, noNaN: true }).map((ms) => ['timer', ms] as const),
    fc.double({ min: 0, max: 300, noNaN: true }).map((ms) => ['pass', ms] as const),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
      const { clock, timers, scheduler } = new Machine()
      let waiting = 0
      let lastMs = clock.monotonicMs()
      const look = (): void => {
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(lastMs)
        lastMs = clock.monotonicMs()
      }
      for (const [what, value] of changes) {
        look()
        if (what === 'drift') clock.drift(value)
        else if (what === 'freeze') clock.freeze()
        else if (what === 'thaw') clock.thaw()
        else if (what === 'jump') clock.jumpWall(value)
        else if (what === 'pass') await scheduler.runUntil(() => false, value, look)
        else {
          const dueMs = clock.monotonicMs() + value
          waiting++
          timers.after(value, () => {
            waiting--
            expect(clock.monotonicMs()).toBeGreaterThanOrEqual(dueMs - 1e-6)
          })
        }
      }
      clock.thaw()
      clock.drift(0)
      await scheduler.runUntil(() => false, 1000, look)
      expect(waiting).toBe(0)
    }),
  )
})
