/** What a signal does to a process with stores in it, without sending any. */
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { SILENT } from '../../src/base/logger.js'
import { CloseOnSignal } from '../../src/runtime/close-on-signal.js'
import { isSignal, type ProcessSignals, type SignalName } from '../../src/runtime/process-signals.js'

/** A process that only notes how it ended. */
class NotedProcess implements ProcessSignals {
  readonly ended: SignalName[] = []
  readonly #listeners = new Map<SignalName, Set<() => void>>()

  on(signal: SignalName, listener: () => void): () => void {
    const listeners = this.#listeners.get(signal) ?? new Set()
    this.#listeners.set(signal, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  listened(signal: SignalName): boolean {
    return (this.#listeners.get(signal)?.size ?? 0) > 0
  }

  end(signal: SignalName): void {
    this.ended.push(signal)
  }

  raise(signal: SignalName): void {
    for (const listener of [...(this.#listeners.get(signal) ?? [])]) listener()
  }
}

/** A store whose close ends when it is told to. */
function store() {
  let end: (error?: Error) => void = () => undefined
  const closed = new Promise<void>((resolve, reject) => {
    end = (error) => {
      if (error === undefined) resolve()
      else reject(error)
    }
  })
  const closes = { count: 0 }
  const close = (): Promise<void> => {
    closes.count++
    return closed
  }
  return { close, closes, end: (error?: Error) => (end(error), settled()) }
}

/** Everything that can go on has. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

const BOTH = ['SIGTERM', 'SIGINT'] as const

describe('a signal', () => {
  test('closes the store, and ends the process by the same signal when that is done', async () => {
    const [process, closing] = [new NotedProcess(), store()]
    await new CloseOnSignal(BOTH, process, SILENT).opening(Promise.resolve(closing))
    process.raise('SIGINT')
    await settled()
    expect([closing.closes.count, process.ended]).toEqual([1, []])
    await closing.end()
    expect(process.ended).toEqual(['SIGINT'])
    expect(BOTH.some((signal) => process.listened(signal))).toBe(false)
  })

  test('ends the process too when the store cannot be closed in order', async () => {
    const [process, closing] = [new NotedProcess(), store()]
    await new CloseOnSignal(BOTH, process, SILENT).opening(Promise.resolve(closing))
    process.raise('SIGTERM')
    await closing.end(new Error('the disk failed'))
    expect(process.ended).toEqual(['SIGTERM'])
  })

  test('that comes again ends the process at once', async () => {
    const [process, closing] = [new NotedProcess(), store()]
    await new CloseOnSignal(BOTH, process, SILENT).opening(Promise.resolve(closing))
    process.raise('SIGTERM')
    process.raise('SIGINT')
    expect(process.ended).toEqual(['SIGINT'])
    await closing.end()
  })

  test('closes all stores of a process, and the last one ends it', async () => {
    const [process, one, other] = [new NotedProcess(), store(), store()]
    for (const each of [one, other]) await new CloseOnSignal(BOTH, process, SILENT).opening(Promise.resolve(each))
    process.raise('SIGTERM')
    await one.end()
    expect(process.ended).toEqual([])
    await other.end()
    expect(process.ended).toEqual(['SIGTERM'])
  })

  test('to which the program listens itself leaves the end to the program', async () => {
    const [process, closing] = [new NotedProcess(), store()]
    process.on('SIGTERM', () => undefined)
    await new CloseOnSignal(BOTH, process, SILENT).opening(Promise.resolve(closing))
    process.raise('SIGTERM')
    await closing.end()
    expect(process.ended).toEqual([])
  })

  test('that comes while the store is being opened closes it as soon as it is there', async () => {
    const [process, closing] = [new NotedProcess(), store()]
    let open: (opened: typeof closing) => void = () => undefined
    const opening = new CloseOnSignal(BOTH, process, SILENT).opening(new Promise<typeof closing>((yes) => (open = yes)))
    const refused = opening.catch((error: unknown) => error)
    process.raise('SIGTERM')
    open(closing)
    expect(isStoreError(await refused, 'CLOSED')).toBe(true)
    await closing.end()
    expect([closing.closes.count, process.ended]).toEqual([1, ['SIGTERM']])
  })
})

test('a signal ends what the opening of a store waits for, and then the process', async () => {
  const process = new NotedProcess()
  const signals = new CloseOnSignal(BOTH, process, SILENT)
  const waiting = new Promise<never>((_, reject) => {
    signals.coming.addEventListener('abort', () => {
      reject(signals.coming.reason as Error)
    })
  })
  const opening = signals.opening(waiting).catch((error: unknown) => error)
  process.raise('SIGTERM')
  expect(isStoreError(await opening, 'CLOSED')).toBe(true)
  await settled()
  expect(process.ended).toEqual(['SIGTERM'])
})

test('nobody is listened to after a close, and after an open that failed', async () => {
  const process = new NotedProcess()
  const one = new CloseOnSignal(BOTH, process, SILENT)
  await one.opening(Promise.resolve(store()))
  one.stop()
  const failure = new Error('no disk')
  const failed = new CloseOnSignal(BOTH, process, SILENT).opening(Promise.reject(failure))
  await expect(failed).rejects.toBe(failure)
  expect(BOTH.some((signal) => process.listened(signal))).toBe(false)
})

test('what nobody can listen to, or is none, is no signal', () => {
  expect(['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSTOP', 'TERM', 15].map(isSignal)).toEqual([
    ...[true, true, false, false, false, false],
  ])
})
