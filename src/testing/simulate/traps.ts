/**
 * Traps: what an application must not use in a simulation, because it is not simulated, throws where it is used.
 *
 * Always: only the code of an application is trapped. Who calls is told by the asynchronous context that began with the
 * call of the application: a test runner that asks the time meanwhile gets it.
 * Not here: what reaches the real world without these globals, as node:fs, node:net and fetch do.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Environment } from '../../base/clock.js'
import { realWorld, type RealWorld } from '../../runtime/real-world.js'

/** An application used something that is not simulated. */
export class NotSimulatedError extends Error {
  override readonly name = 'NotSimulatedError'
  readonly code = 'NOT_SIMULATED'
}

type AnyFunction = (...parameters: never[]) => unknown

const INSTEAD: Readonly<Record<RealWorld['kind'], string>> = {
  time: 'env.clock',
  timers: 'env.timers or env.sleep()',
  randomness: 'env.random',
}

export class Traps {
  readonly #context = new AsyncLocalStorage<string>()
  readonly #takeBack: (() => void)[] = []
  /** Told of every use, also when the application catches the error. */
  readonly #caught: (node: string, error: NotSimulatedError) => void

  constructor(caught: (node: string, error: NotSimulatedError) => void) {
    this.#caught = caught
  }

  /** Sets the traps; they are there until {@link remove}. */
  set(): void {
    for (const each of realWorld()) this.#trap(each)
    this.#trapDate()
  }

  remove(): void {
    for (const takeBack of this.#takeBack.reverse()) takeBack()
    this.#takeBack.length = 0
  }

  /** Runs code of the application on `node`; all that follows from it is trapped, too. */
  within<T>(node: string, action: () => T): T {
    return this.#context.run(node, action)
  }

  /** Timers whose actions count as code of the application. */
  environment(node: string, environment: Environment): Environment {
    const { timers } = environment
    return {
      ...environment,
      timers: {
        after: (delayMs, action) => timers.after(delayMs, () => this.within(node, action)),
        soon: (action) => timers.soon(() => this.within(node, action)),
      },
    }
  }

  #trap({ object, name, called, kind }: RealWorld): void {
    const descriptor = Object.getOwnPropertyDescriptor(object, name)
    const original = (object as Readonly<Record<string, unknown>>)[name] as AnyFunction
    const check = (): void => this.#check(called, kind)
    const trapped = new Proxy(original, {
      apply(target, self, parameters) {
        check()
        return Reflect.apply(target, self, parameters) as unknown
      },
    })
    Object.defineProperty(object, name, { configurable: true, writable: true, enumerable: true, value: trapped })
    this.#takeBack.push(() => {
      if (descriptor === undefined) Reflect.deleteProperty(object, name)
      else Object.defineProperty(object, name, descriptor)
    })
  }

  /** `new Date(0)` is a value, `new Date()` asks for the time. */
  #trapDate(): void {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'Date') as PropertyDescriptor
    const check = (): void => this.#check('new Date()', 'time')
    const trapped = new Proxy(descriptor.value as DateConstructor, {
      construct(target, parameters, newTarget) {
        if (parameters.length === 0) check()
        return Reflect.construct(target, parameters, newTarget) as object
      },
      apply(target, self, parameters) {
        check()
        return Reflect.apply(target, self, parameters) as unknown
      },
    })
    Object.defineProperty(globalThis, 'Date', { ...descriptor, value: trapped })
    this.#takeBack.push(() => Object.defineProperty(globalThis, 'Date', descriptor))
  }

  #check(called: string, kind: RealWorld['kind']): void {
    const node = this.#context.getStore()
    if (node === undefined) return
    const error = new NotSimulatedError(
      `${called} is not simulated, and would make two runs of a seed differ: use ${INSTEAD[kind]}`,
    )
    this.#caught(node, error)
    throw error
  }
}
