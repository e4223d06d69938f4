/**
 * Those who wait on a member: deadlines and signals, writes, reads and questions to the leader. Time is simulated; what
 * they are handed to is a few lines here, so that each order of events can be played.
 */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { isStoreError, StoreError, type ErrorCode } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { decodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { MEMBER } from '../../src/machine/identity.js'
import type { Applied } from '../../src/machine/outcome.js'
import { Calls } from '../../src/member/calls.js'
import { Deadlines, type CallLimits } from '../../src/member/deadlines.js'
import { Pacer } from '../../src/member/pacer.js'
import { Proposals } from '../../src/member/proposals.js'
import { Reads } from '../../src/member/reads.js'
import { RecordReader } from '../../src/member/record-reader.js'
import { ResponseReader } from '../../src/member/response-reader.js'
import type { CallRequest } from '../../src/member/wire/call-codec.js'
import { MvccStore } from '../../src/mvcc/store.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'

const ORIGIN = { member: 7, incarnation: 3 }
const FOREVER: CallLimits = { deadlineMs: Infinity }
const PUT: Request = { type: 'put', key: 'k', value: Buffer.from('v'), lease: 0n }
const giveUp = (code: 'TIMEOUT' | 'ABORTED', cause: unknown) => new StoreError(code, 'given up', { cause })

class Timed {
  readonly scheduler = new SimScheduler()
  readonly timers = this.scheduler.timersOf()
  readonly deadlines = new Deadlines(this.scheduler.clock, this.timers)

  async pass(ms: number): Promise<void> {
    await this.scheduler.runUntil(() => false, ms)
  }
}

/** How a promise stands, without waiting for it. */
function standing(promise: Promise<unknown>): { readonly now: () => string } {
  let state = 'waits'
  promise.then(
    () => (state = 'done'),
    (error: unknown) => (state = isStoreError(error) ? `${error.code} ${error.outcome}` : String(error)),
  )
  return { now: () => state }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a deadline', () => {
  test('ends each call at its own time, in whatever order they came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }), async (times) => {
        const { scheduler, deadlines } = new Timed()
        const calls = times.map((deadlineMs) => standing(deadlines.wait({ deadlineMs }, giveUp).promise))
        for (const nowMs of [...new Set(times)].sort((a, b) => a - b)) {
          await scheduler.runUntil(() => scheduler.nowMs >= nowMs, 100)
          await settled()
          expect(calls.map(({ now }) => now())).toEqual(
            times.map((each) => (each <= nowMs ? 'TIMEOUT refused' : 'waits')),
          )
        }
      }),
      { numRuns: 30 },
    )
  })

  test('leaves no timer behind when nobody waits any more', async () => {
    const { scheduler, deadlines } = new Timed()
    const pending = deadlines.wait<string>({ deadlineMs: 1000 }, giveUp)
    pending.resolve('done')
    await expect(pending.promise).resolves.toBe('done')
    expect(await scheduler.step()).toBe(false)
  })

  test('that never comes needs no timer', async () => {
    const { scheduler, deadlines } = new Timed()
    void deadlines.wait(FOREVER, giveUp)
    expect(await scheduler.step()).toBe(false)
  })

  test('that has passed ends the call before anything is done for it', () => {
    const { deadlines } = new Timed()
    const pending = deadlines.wait({ deadlineMs: 0 }, giveUp)
    pending.promise.catch(() => undefined)
    expect(pending.settled).toBe(true)
  })

  test('and signal and result: the first one decides, the others are ignored', async () => {
    const { scheduler, deadlines } = new Timed()
    const controller = new AbortController()
    const pending = deadlines.wait<string>({ deadlineMs: 10, signal: controller.signal }, giveUp)
    controller.abort('enough')
    pending.resolve('too late')
    await scheduler.runUntil(() => false, 20)
    await expect(pending.promise).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
  })

  test('and a signal that many calls share costs one listener, not a warning of Node', async () => {
    const { deadlines } = new Timed()
    const warnings: string[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning.message)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    const all = Array.from({ length: 100 }, () => deadlines.wait<void>({ deadlineMs: 10, signal }, giveUp))
    const aborted = new AbortController()
    const some = Array.from({ length: 20 }, () => deadlines.wait({ deadlineMs: 10, signal: aborted.signal }, giveUp))
    const ended = Promise.allSettled(some.map(({ promise }) => promise))
    aborted.abort()
    for (const result of await ended) expect(result.status).toBe('rejected')
    for (const pending of all) pending.resolve()
    await Promise.all(all.map(({ promise }) => promise))
    await settled()
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })
})

describe('a pacer', () => {
  test('makes one turn of however many calls', async () => {
    const { scheduler, timers } = new Timed()
    let turns = 0
    const pacer = new Pacer(scheduler.clock, timers, () => turns++)
    for (let nth = 0; nth < 10; nth++) pacer.wake()
    await scheduler.runUntil(() => false, 1)
    expect(turns).toBe(1)
    pacer.wake()
    await scheduler.runUntil(() => false, 1)
    expect(turns).toBe(2)
  })

  test('comes no later than the earliest time it was given', async () => {
    const { scheduler, timers } = new Timed()
    const turns: number[] = []
    const pacer = new Pacer(scheduler.clock, timers, () => turns.push(scheduler.nowMs))
    for (const atMs of [30, 10, 20, Infinity]) pacer.wakeAt(atMs)
    await scheduler.runUntil(() => false, 100)
    expect(turns).toEqual([10])
  })

  test('comes no more once it is stopped', async () => {
    const { scheduler, timers } = new Timed()
    let turns = 0
    const pacer = new Pacer(scheduler.clock, timers, () => turns++)
    pacer.wake()
    pacer.wakeAt(5)
    pacer.stop()
    pacer.wake()
    pacer.wakeAt(6)
    await scheduler.runUntil(() => false, 100)
    expect(turns).toBe(0)
  })
})

describe('proposals', () => {
  /** Of a store whose records are never read to the end. */
  const store = new MvccStore(new MemoryBackend())
  const hanging = { machine: { store }, storage: { state: { getMany: () => new Promise<never>(() => undefined) } } }

  function make(reading = hanging) {
    const timed = new Timed()
    const reader = new RecordReader({ ...reading, timers: timed.timers, wake: () => undefined })
    const proposals = new Proposals(ORIGIN, timed.deadlines, new ResponseReader(reader))
    const sent: number[] = []
    const submit = (accept = true, batchBytesMax = LIMITS.appendBytesMax): void => {
      proposals.submit(timed.scheduler.nowMs, batchBytesMax, (commands) => {
        if (accept) sent.push(...commands.map((bytes) => decodeCommand(bytes).proposal.sequence))
        return accept
      })
    }
    const apply = (sequence: number, outcome: Applied['outcome'], origin = ORIGIN): void => {
      proposals.settle({ proposal: { ...origin, sequence }, outcome, revision: 9, events: [] })
    }
    return { ...timed, timed, proposals, sent, submit, apply }
  }
  const DONE: Applied['outcome'] = { ok: true, response: { type: 'put', previous: undefined } }

  test('are told that they were done when their answer cannot be read in time', async () => {
    const { proposals, submit, apply, timed } = make()
    const named: Applied['outcome'] = { ok: true, response: { type: 'put', previous: { main: 2, sub: 0 } } }
    const controller = new AbortController()
    const calls = [
      proposals.propose(PUT, MEMBER, { deadlineMs: 10 }),
      proposals.propose(PUT, MEMBER, { deadlineMs: 1000, signal: controller.signal }),
      proposals.propose(PUT, MEMBER, FOREVER),
    ]
    const texts = calls.map((call) => call.catch((error: Error) => error.message))
    const standings = calls.map(standing)
    submit()
    for (const sequence of [1, 2, 3]) apply(sequence, named)
    await timed.pass(5)
    expect([proposals.hasWaiting, ...standings.map(({ now }) => now())]).toEqual([false, 'waits', 'waits', 'waits'])
    await timed.pass(10)
    controller.abort()
    proposals.rejectAll('CLOSED', 'the store is closed')
    await settled()
    expect(standings.map(({ now }) => now())).toEqual(['TIMEOUT unknown', 'ABORTED unknown', 'CLOSED unknown'])
    for (const text of await Promise.all(texts)) expect(text).toContain('The write was done, at revision 9, but ')
  })

  test('are sent once, in order, each under a number of its own', () => {
    const { proposals, sent, submit } = make()
    for (let nth = 0; nth < 5; nth++) void proposals.propose(PUT, MEMBER, FOREVER)
    submit()
    submit()
    expect(sent).toEqual([1, 2, 3, 4, 5])
  })

  test('go in batches of bytes, one at least', () => {
    const { proposals, timed } = make()
    for (let nth = 0; nth < 5; nth++) void proposals.propose({ ...PUT, value: new Uint8Array(100) }, MEMBER, FOREVER)
    const batches: number[] = []
    proposals.submit(timed.scheduler.nowMs, 350, (commands) => batches.push(commands.length) > 0)
    expect(batches).toEqual([2, 2, 1])
    for (let nth = 0; nth < 2; nth++) void proposals.propose({ ...PUT, value: new Uint8Array(500) }, MEMBER, FOREVER)
    proposals.submit(timed.scheduler.nowMs, 350, (commands) => batches.push(commands.length) > 0)
    expect(batches).toEqual([2, 2, 1, 1, 1])
  })

  test('wait while nobody takes them, and are refused if that lasts', async () => {
    const { proposals, sent, submit, timed } = make()
    const call = standing(proposals.propose(PUT, MEMBER, { deadlineMs: 10 }))
    submit(false)
    await timed.pass(20)
    expect(call.now()).toBe('TIMEOUT refused')
    submit()
    expect(sent).toEqual([])
    expect(proposals.hasWaiting).toBe(false)
  })

  test('that left once are of unknown outcome, also when they could not be sent again', async () => {
    const { proposals, submit, timed } = make()
    const call = standing(proposals.propose(PUT, MEMBER, { deadlineMs: 10 }))
    submit()
    proposals.resubmitAll()
    submit(false)
    await timed.pass(20)
    expect(call.now()).toBe('TIMEOUT unknown')
  })

  test('that failed half way through being handed over are of unknown outcome', async () => {
    const { proposals, timed } = make()
    const call = standing(proposals.propose(PUT, MEMBER, FOREVER))
    const failing = () =>
      proposals.submit(timed.scheduler.nowMs, 1000, () => {
        throw new Error('in the middle')
      })
    expect(failing).toThrow('in the middle')
    proposals.rejectAll('MEMBER_FAILED', 'it stopped')
    await settled()
    expect(call.now()).toBe('MEMBER_FAILED unknown')
  })

  test('are sent again under the same number to a new leader, once', () => {
    const { proposals, sent, submit, apply } = make()
    const calls = Array.from({ length: 3 }, () => standing(proposals.propose(PUT, MEMBER, FOREVER)))
    submit()
    apply(2, DONE)
    proposals.resubmitAll()
    // The look for silent ones comes in the same turn.
    proposals.resubmitSilent(1_000_000, 1)
    submit()
    submit()
    expect(sent).toEqual([1, 2, 3, 1, 3])
    expect(calls).toHaveLength(3)
  })

  test('without an outcome for long are sent again, the oldest first', async () => {
    const { proposals, sent, submit, timed } = make()
    void proposals.propose(PUT, MEMBER, FOREVER)
    submit()
    await timed.pass(10)
    void proposals.propose(PUT, MEMBER, FOREVER)
    submit()
    void proposals.propose(PUT, MEMBER, FOREVER)
    proposals.resubmitSilent(timed.scheduler.nowMs, 5)
    submit()
    expect(sent).toEqual([1, 2, 1, 3])
  })

  test('are sent again ever less often while no outcome comes, as often as at first to the next leader', async () => {
    const { proposals, sent, submit, timed } = make()
    const sentAtMs: number[] = []
    const passMs = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 10) {
        proposals.resubmitSilent(timed.scheduler.nowMs, 10)
        const before = sent.length
        submit()
        if (sent.length > before) sentAtMs.push(timed.scheduler.nowMs)
        await timed.pass(10)
      }
    }
    void proposals.propose(PUT, MEMBER, FOREVER)
    await passMs(700)
    expect(sentAtMs).toEqual([0, 10, 30, 70, 150, 310, 470, 630])
    proposals.resubmitAll()
    await passMs(100)
    expect(sentAtMs.slice(8)).toEqual([700, 710, 730, 770])
  })

  test('that were sent just now hold up none that are silent for long', async () => {
    const { proposals, sent, submit, timed } = make()
    void proposals.propose(PUT, MEMBER, FOREVER)
    submit()
    await timed.pass(10)
    proposals.resubmitSilent(timed.scheduler.nowMs, 10)
    submit()
    void proposals.propose(PUT, MEMBER, FOREVER)
    submit()
    await timed.pass(10)
    proposals.resubmitSilent(timed.scheduler.nowMs, 10)
    submit()
    expect(sent).toEqual([1, 1, 2, 2])
  })

  test('end with the outcome of their own number and origin, and only once', async () => {
    const { proposals, submit, apply } = make()
    const call = standing(proposals.propose(PUT, MEMBER, FOREVER))
    submit()
    apply(1, DONE, { member: 8, incarnation: 3 })
    apply(1, DONE, { member: 7, incarnation: 2 })
    apply(2, DONE)
    apply(1, undefined)
    await settled()
    expect(call.now()).toBe('waits')
    apply(1, { ok: false, code: 'COMPACTED', message: 'gone', compactRevision: 5 })
    apply(1, DONE)
    await settled()
    expect(call.now()).toBe('COMPACTED refused')
    expect(proposals.hasWaiting).toBe(false)
  })

  test('are refused beyond the window in which a repetition is recognised', async () => {
    const { proposals, submit, apply } = make()
    const calls = Array.from({ length: LIMITS.pendingProposalsMax }, () => proposals.propose(PUT, MEMBER, FOREVER))
    for (const call of calls) call.catch(() => undefined)
    submit()
    expect(() => proposals.propose(PUT, MEMBER, FOREVER)).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_REQUESTS' satisfies ErrorCode, outcome: 'refused' }) as Error,
    )
    // The newest ones ended, the oldest still waits: it must not fall out of the window.
    for (let sequence = 2; sequence <= LIMITS.pendingProposalsMax; sequence++) apply(sequence, DONE)
    expect(() => proposals.propose(PUT, MEMBER, FOREVER)).toThrow('wait on this member')
    apply(1, DONE)
    void proposals.propose(PUT, MEMBER, FOREVER)
    await settled()
  })

  test('are refused beyond the bytes that may wait, and taken again as they end', () => {
    const { proposals, submit, apply } = make()
    const large: Request = { ...PUT, value: new Uint8Array(LIMITS.requestBytesMax - 1000) }
    let taken = 0
    const fill = (): void => {
      for (;;) {
        proposals.propose(large, MEMBER, FOREVER).catch(() => undefined)
        taken++
      }
    }
    expect(fill).toThrow('wait on this member')
    expect(taken).toBeGreaterThan(LIMITS.pendingProposalBytesMax / LIMITS.requestBytesMax)
    submit()
    apply(1, DONE)
    expect(fill).toThrow('wait on this member')
  })

  test('over the limit of one request cost no number', () => {
    const { proposals, sent, submit } = make()
    expect(() => proposals.propose({ ...PUT, value: new Uint8Array(LIMITS.requestBytesMax) }, MEMBER, FOREVER)).toThrow(
      String(LIMITS.requestBytesMax),
    )
    void proposals.propose(PUT, MEMBER, FOREVER)
    submit()
    expect(sent).toEqual([1])
  })
})

describe('reads', () => {
  /** A leader as a read sees it: answers come when the test lets them. */
  function make() {
    const timed = new Timed()
    const reads = new Reads(timed.deadlines)
    const asked: number[] = []
    const submit = (): void => reads.submit(timed.scheduler.nowMs, (requestId) => asked.push(requestId) > 0)
    return { timed, reads, asked, submit }
  }

  test('that come while a request is under way go with the next one, together', async () => {
    const { reads, asked, submit } = make()
    const first = standing(reads.confirm(FOREVER))
    submit()
    const later = [standing(reads.confirm(FOREVER)), standing(reads.confirm(FOREVER))]
    submit()
    expect(asked).toHaveLength(1)
    reads.confirmed({ requestId: asked[0] ?? 0, index: 5 })
    submit()
    reads.applied(5)
    await settled()
    expect([first, ...later].map(({ now }) => now())).toEqual(['done', 'waits', 'waits'])
    reads.confirmed({ requestId: asked[1] ?? 0, index: 6 })
    reads.applied(6)
    await settled()
    expect(later.map(({ now }) => now())).toEqual(['done', 'done'])
    expect(asked).toHaveLength(2)
  })

  test('wait until the state has reached the index that was confirmed', async () => {
    const { reads, asked, submit } = make()
    const call = standing(reads.confirm(FOREVER))
    submit()
    reads.confirmed({ requestId: asked[0] ?? 0, index: 9 })
    reads.applied(8)
    await settled()
    expect(call.now()).toBe('waits')
    reads.applied(9)
    await settled()
    expect(call.now()).toBe('done')
  })

  /**
   * A request is lost, asked again, and the late answer to the first try comes: it says nothing of what was written in
   * between. Gives how the second reader, who came after the first try, stands then.
   */
  async function lateAnswer(idOf: (fresh: number) => number): Promise<string> {
    const { timed, reads, asked } = make()
    const wire = new Map<number, number>()
    const submit = (): void =>
      reads.submit(timed.scheduler.nowMs, (requestId) => {
        wire.set(idOf(requestId), requestId)
        return asked.push(requestId) > 0
      })
    void reads.confirm(FOREVER)
    submit()
    await timed.pass(100)
    reads.retrySilent(50)
    const second = standing(reads.confirm(FOREVER))
    submit()
    const late = wire.get(idOf(asked[0] ?? 0)) ?? 0
    reads.confirmed({ requestId: late, index: 1 })
    reads.applied(1)
    await settled()
    return second.now()
  }

  test('ignore the late answer to an earlier try', async () => {
    expect(await lateAnswer((fresh) => fresh)).toBe('waits')
  })

  test('would take it if a try reused the id: the test above can tell', async () => {
    expect(await lateAnswer(() => 1)).toBe('done')
  })

  test('are asked again when the leader dropped them, and not for those who left', async () => {
    const { reads, asked, submit, timed } = make()
    const short = standing(reads.confirm({ deadlineMs: 10 }))
    submit()
    await timed.pass(20)
    expect(short.now()).toBe('TIMEOUT refused')
    reads.dropped(asked[0] ?? 0)
    submit()
    expect(asked).toHaveLength(1)
    expect(reads.hasWaiting).toBe(false)
  })

  test('all end with the member, wherever they wait', async () => {
    const { reads, asked, submit } = make()
    const confirmed = standing(reads.confirm(FOREVER))
    submit()
    reads.confirmed({ requestId: asked[0] ?? 0, index: 5 })
    const under = standing(reads.confirm(FOREVER))
    submit()
    const waiting = standing(reads.confirm(FOREVER))
    reads.rejectAll('CLOSED', 'the store is closed')
    await settled()
    expect([confirmed, under, waiting].map(({ now }) => now())).toEqual(new Array(3).fill('CLOSED refused'))
  })
})

describe('questions to the leader', () => {
  const ASK: CallRequest = { type: 'lease-time-to-live', lease: 5n }
  const LEASE = { type: 'lease', exists: true, ttlMs: 1000, remainingMs: 500 } as const

  function make(seed = 1) {
    const timed = new Timed()
    const calls = new Calls(timed.deadlines, seededRandom(seed))
    const asked: number[] = []
    const submit = (reachable = true): void =>
      calls.submit(timed.scheduler.nowMs, (batch) => {
        if (reachable) asked.push(...batch.map(({ id }) => id))
        return reachable
      })
    return { timed, calls, asked, submit }
  }

  test('are asked again of the next leader, and the answer to the earlier try is ignored', async () => {
    const { calls, asked, submit } = make()
    const call = standing(calls.ask(ASK, MEMBER, FOREVER))
    submit()
    calls.askAgain(Infinity)
    submit()
    expect(new Set(asked).size).toBe(2)
    calls.answered(asked[0] ?? 0, LEASE)
    await settled()
    expect(call.now()).toBe('waits')
    calls.answered(asked[1] ?? 0, LEASE)
    await settled()
    expect(call.now()).toBe('done')
  })

  test('are asked again where the one asked does not lead, though not at once, and end with any other answer', async () => {
    const { calls, asked, submit } = make()
    const call = standing(calls.ask(ASK, MEMBER, FOREVER))
    submit()
    calls.answered(asked[0] ?? 0, { type: 'refused', code: 'NO_LEADER', message: 'not I' })
    submit()
    expect(asked).toHaveLength(1)
    expect(calls.hasWaiting).toBe(true)
    calls.askAgain(Infinity)
    submit()
    expect(asked).toHaveLength(2)
    calls.answered(asked[1] ?? 0, { type: 'lease', exists: false })
    await settled()
    expect(call.now()).toBe('done')
    expect(calls.hasWaiting).toBe(false)
  })

  test('of another life of the member have other ids', () => {
    const lives = [1, 2].map((seed) => {
      const { calls, asked, submit } = make(seed)
      for (let nth = 0; nth < 50; nth++) void calls.ask(ASK, MEMBER, FOREVER)
      submit()
      return asked
    })
    expect(new Set(lives.flat()).size).toBe(100)
  })

  test('that were given up do not count as waiting while there is no leader', async () => {
    const { calls, submit, timed } = make()
    void calls.ask(ASK, MEMBER, FOREVER)
    const short = Array.from({ length: 10 }, () => standing(calls.ask(ASK, MEMBER, { deadlineMs: 10 })))
    await timed.pass(20)
    expect(short.map(({ now }) => now())).toEqual(new Array(10).fill('TIMEOUT refused'))
    submit(false)
    expect(calls.waiting).toBe(1)
  })

  test('that left are of unknown outcome, others had no effect', async () => {
    const { calls, submit, timed } = make()
    const left = standing(calls.ask(ASK, MEMBER, { deadlineMs: 10 }))
    submit()
    const kept = standing(calls.ask(ASK, MEMBER, { deadlineMs: 10 }))
    await timed.pass(20)
    expect([left.now(), kept.now()]).toEqual(['TIMEOUT unknown', 'TIMEOUT refused'])
  })

  test('with a signal that is aborted already are not asked', async () => {
    const { calls, asked, submit } = make()
    const call = standing(calls.ask(ASK, MEMBER, { deadlineMs: 10, signal: AbortSignal.abort() }))
    submit()
    await settled()
    expect([call.now(), asked]).toEqual(['ABORTED refused', []])
  })
})
