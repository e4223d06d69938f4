/**
 * Parts that users bring: checked once for their methods, before anything is touched, so that what is missing is named
 * where it is missing and not found by the first call in the middle of a member.
 */
import { kind } from '../api/check-fields.js'
import type { Clock, Environment, Timers } from '../base/clock.js'
import type { Logger, LogFields } from '../base/logger.js'
import type { Random } from '../base/random.js'
import type { SpanChannel, Spans } from '../base/spans.js'
import type { Observe } from '../member/event.js'
import type { Disk } from '../storage/disk.js'
import type { Transport } from '../transport/transport.js'

type Method<Port> = { [Name in keyof Port]: Port[Name] extends (...given: never) => unknown ? Name : never }[keyof Port]
/** A record, so that the compiler misses none. */
type Methods<Port> = Readonly<Record<Method<Port>, true>>

const LOGGER: Methods<Logger> = { debug: true, info: true, warn: true, error: true }
const CLOCK: Methods<Clock> = { monotonicMs: true, wallMs: true }
const TIMERS: Methods<Timers> = { after: true, soon: true }
const RANDOM: Methods<Random> = { uint32: true }
const SPANS: Readonly<Record<keyof Spans, true>> = {
  ...{ propose: true, read: true, apply: true, watch: true, lock: true, election: true },
}
const SPAN_CHANNEL: Methods<SpanChannel<object>> = { run: true, failed: true, asyncStart: true, asyncEnd: true }
const TRANSPORT: Methods<Transport> = { start: true, setPeers: true, send: true, close: true }
const DISK: Methods<Disk> = {
  ...{ peek: true, acquire: true, openDatabase: true, openSlotFile: true, release: true },
  ...{ databases: true, discardDatabase: true },
}

/** The checks throw TypeError. */
export function checkLogger(logger: Logger, what = 'logger'): void {
  checkMethods(logger, LOGGER, what)
}

export function checkEnvironment(environment: Environment): void {
  const { clock, timers, random, logger, buggify, loopDelay, spans } = environment
  checkMethods(clock, CLOCK, 'environment.clock')
  checkMethods(timers, TIMERS, 'environment.timers')
  checkMethods(random, RANDOM, 'environment.random')
  checkLogger(logger, 'environment.logger')
  if (buggify !== undefined && typeof buggify !== 'function') {
    throw new TypeError(`environment.buggify must be a function, not ${kind(buggify)}`)
  }
  if (loopDelay !== undefined && typeof loopDelay !== 'function') {
    throw new TypeError(`environment.loopDelay must be a function, not ${kind(loopDelay)}`)
  }
  if (spans !== undefined) {
    for (const name of Object.keys(SPANS) as (keyof Spans)[])
      checkMethods(spans[name], SPAN_CHANNEL, `environment.spans.${name}`)
  }
}

export function checkDisk(disk: Disk): void {
  checkMethods(disk, DISK, 'disk')
}

export function checkTransport(transport: Transport, what = 'transport'): void {
  checkMethods(transport, TRANSPORT, what)
}

/** Inherited methods count: most of these are classes. */
function checkMethods(port: unknown, methods: Readonly<Record<string, true>>, what: string): void {
  if (typeof port !== 'object' || port === null) throw new TypeError(`${what} must be an object, not ${kind(port)}`)
  const missing = Object.keys(methods).find((name) => typeof (port as Record<string, unknown>)[name] !== 'function')
  if (missing === undefined) return
  throw new TypeError(`${what} has no method ${missing}; it needs ${Object.keys(methods).join(', ')}`)
}

/** The same logger for those who must not fail because of it: what it throws, or rejects with later, is dropped. */
export function harmlessLogger(logger: Logger): Logger {
  const harmless =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        // It may be asynchronous, whatever its type says.
        const written: unknown = logger[level](message, fields)
        if (written !== undefined) Promise.resolve(written).catch(() => undefined)
      } catch {
        // There is nobody to tell.
      }
    }
  return { debug: harmless('debug'), info: harmless('info'), warn: harmless('warn'), error: harmless('error') }
}

/** The same observer for a member that must not fail because of it: what it throws, or rejects with later, is logged. */
export function harmlessObserver(observe: Observe, logger: Logger): Observe {
  const drop = (error: unknown): void => {
    logger.error('the observer threw', { reason: error instanceof Error ? error.message : String(error) })
  }
  return (event) => {
    try {
      // It may be asynchronous, whatever its type says.
      const told: unknown = observe(event)
      if (told !== undefined) Promise.resolve(told).catch(drop)
    } catch (error) {
      drop(error)
    }
  }
}
