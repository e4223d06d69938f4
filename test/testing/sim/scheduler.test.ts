/** Virtual time: order, promises between events, processes that stand still or lag, and what nobody caught. */
import { describe, expect, test } from 'vitest'
import { drainNow } from '../../../src/runtime/event-loop.js'
import { SimScheduler } from '../../../src/testing/sim/scheduler.js'
import { SimProcess } from '../../../src/testing/sim/sim-process.js'

class Bench {
  readonly scheduler = new SimScheduler()
  readonly process = new SimProcess('p')
  readonly timers = this.scheduler.timersOf(this.process)
  readonly enter = this.scheduler.enterOf(this.process)
  readonly seen: string[] = []

  see(what: string): void {
    this.seen.push(`${what} ${this.scheduler.nowMs}`)
  }

  at(ms: number, what: string): void {
    this.timers.after(ms, () => {
      this.see(what)
    })
  }

  pass(ms: number): Promise<boolean> {
    return this.scheduler.runUntil(() => false, ms)
  }
}

describe('promises', () => {
  test('go on between two events, however they are drained', async () => {
    expect(drainNow, 'this Node has no process._tickCallback: simulated runs take a turn for each event').toBeDefined()
    const orders: string[][] = []
    for (const draining of ['at-once', 'in-turns'] as const) {
      const order: string[] = []
      const scheduler = new SimScheduler({ draining })
      const timers = scheduler.timersOf()
      for (const name of ['a', 'b']) {
        timers.after(1, () => {
          order.push(name)
          process.nextTick(() => order.push(`${name} tick`))
          void (async () => {
            for (let hop = 0; hop < 5; hop++) await Promise.resolve()
            order.push(`${name} promise`)
          })()
        })
      }
      await scheduler.runUntil(() => order.length === 6, 10)
      orders.push(order)
    }
    expect(orders[0]).toEqual(['a', 'a tick', 'a promise', 'b', 'b tick', 'b promise'])
    expect(orders[1]).toEqual(orders[0])
  })

  test('that nobody catches end the run that they happen in, and other listeners hear nothing of it', async () => {
    const { scheduler, timers } = new Bench()
    const heard: unknown[] = []
    const listener = (reason: unknown): void => void heard.push(reason)
    process.on('unhandledRejection', listener)
    timers.after(1, () => void Promise.reject(new Error('nobody caught this')))
    await expect(scheduler.runUntil(() => false, 10)).rejects.toThrow('nobody caught this')
    expect(process.listeners('unhandledRejection')).toContain(listener)
    process.removeListener('unhandledRejection', listener)
    expect(heard).toEqual([])
  })
})

describe('an error that a microtask throws', () => {
  test('is of the process in whose event it was thrown, and other listeners hear nothing of it', async () => {
    const caught: string[] = []
    const scheduler = new SimScheduler({
      uncaught: (process, error) => caught.push(`${process?.name}: ${(error as Error).message}`),
    })
    const heard: unknown[] = []
    const listener = (error: unknown): void => void heard.push(error)
    process.on('uncaughtException', listener)
    for (const name of ['a', 'b']) {
      scheduler.timersOf(new SimProcess(name)).after(1, () => {
        queueMicrotask(() => {
          throw new Error(`thrown at ${name}`)
        })
        void Promise.resolve().then(() => caught.push(`${name} goes on`))
      })
    }
    await scheduler.runUntil(() => false, 10)
    expect(process.listeners('uncaughtException')).toContain(listener)
    process.removeListener('uncaughtException', listener)
    expect(caught).toEqual(['a: thrown at a', 'a goes on', 'b: thrown at b', 'b goes on'])
    expect(heard).toEqual([])
  })
})

describe('time that stands still', () => {
  test('is said to be of the process whose events were due for ever, also of those that came in from the world', async () => {
    const { scheduler, enter, timers } = new Bench()
    const own = (): void => void timers.soon(() => void scheduler.timersOf().soon(brought))
    const brought = (): void => {
      enter(own)
    }
    own()
    await expect(scheduler.runUntil(() => false, 10)).rejects.toThrow(
      'time stands still at 0 ms: something is due for ever; of the last 1000 events 1000 of p',
    )
  })
})

describe('the real event loop', () => {
  test('has its turn while a simulation runs', async () => {
    const { scheduler } = new Bench()
    const timers = scheduler.timersOf()
    const again = (): void => void timers.after(1, again)
    again()
    let turns = 0
    const real = (): void => {
      turns++
      setImmediate(real)
    }
    real()
    await scheduler.runUntil(() => turns > 10, 1_000_000)
    expect(turns).toBeGreaterThan(10)
  })
})

describe('a queue', () => {
  test('does not grow with timers that were cancelled', async () => {
    const { scheduler, timers } = new Bench()
    for (let count = 0; count < 100_000; count++) timers.after(1_000_000 + count, () => undefined)()
    expect(scheduler.waiting).toBeLessThan(1000)
  })

  test('keeps nothing of a process that ended', async () => {
    const bench = new Bench()
    bench.at(5, 'timer')
    bench.scheduler.end(bench.process)
    expect(bench.scheduler.waiting).toBe(0)
    bench.at(5, 'timer')
    bench.enter(() => {
      bench.see('frame')
    })
    await bench.pass(10)
    expect(bench.seen).toEqual([])
  })
})

describe('a process', () => {
  test('that is paused does nothing, and then all that was due, in its order, before what follows from it', async () => {
    const bench = new Bench()
    const { scheduler, process } = bench
    scheduler.setPace(process, { type: 'paused' })
    bench.at(20, 'late')
    bench.timers.after(3, () => {
      bench.see('first')
      bench.timers.soon(() => {
        bench.see('after all')
      })
    })
    await bench.pass(5)
    bench.enter(() => {
      bench.see('frame')
    })
    bench.at(2, 'timer')
    const cancel = bench.timers.after(1, () => {
      bench.see('cancelled')
    })
    await bench.pass(5)
    cancel()
    expect(bench.seen).toEqual([])
    scheduler.setPace(process, { type: 'running' })
    await bench.pass(20)
    expect(bench.seen).toEqual(['first 10', 'frame 10', 'timer 10', 'after all 10', 'late 20'])
  })

  test('that lags gets to what is due late and in bulk, and then finishes its turn', async () => {
    const bench = new Bench()
    const { scheduler, process } = bench
    scheduler.setPace(process, { type: 'lagging', lateUs: 50_000, sinceUs: 0 })
    bench.timers.after(10, () => {
      bench.see('timer')
      bench.timers.soon(() => {
        bench.see('its turn')
      })
      bench.at(1, 'next')
    })
    await bench.pass(30)
    bench.enter(() => {
      bench.see('frame')
    })
    await bench.pass(170)
    expect(bench.seen).toEqual(['timer 50', 'frame 50', 'its turn 50', 'next 100'])
    bench.at(10, 'pending')
    await bench.pass(20)
    scheduler.setPace(process, { type: 'running' })
    await bench.pass(100)
    expect(bench.seen.at(-1)).toBe('pending 220')
  })

  test('is named to who looks after each event, also when a frame came in from the world', async () => {
    const bench = new Bench()
    const after: (string | undefined)[] = []
    bench.at(1, 'timer')
    bench.scheduler.timersOf().after(2, () => undefined)
    bench.scheduler.timersOf().after(3, () => {
      bench.enter(() => undefined)
    })
    await bench.scheduler.runUntil(
      () => false,
      10,
      (process) => after.push(process?.name),
    )
    expect(after).toEqual(['p', undefined, 'p'])
  })
})
