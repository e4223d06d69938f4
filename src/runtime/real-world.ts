/** The globals through which code reaches the real clock, timers and randomness, for those who must keep it from that. */

export interface RealWorld {
  readonly object: object
  readonly name: string
  /** As it is called in a program. */
  readonly called: string
  readonly kind: 'time' | 'timers' | 'randomness'
}

export function realWorld(): readonly RealWorld[] {
  const of = (kind: RealWorld['kind'], object: object, prefix: string, ...names: readonly string[]): RealWorld[] =>
    names.map((name) => ({ object, name, called: `${prefix}${name}()`, kind }))
  return [
    ...of('time', Date, 'Date.', 'now'),
    ...of('time', performance, 'performance.', 'now'),
    ...of('time', process, 'process.', 'hrtime', 'uptime'),
    ...of('timers', globalThis, '', 'setTimeout', 'setInterval', 'setImmediate'),
    ...of('timers', AbortSignal, 'AbortSignal.', 'timeout'),
    ...of('randomness', Math, 'Math.', 'random'),
    ...of('randomness', crypto, 'crypto.', 'randomUUID', 'getRandomValues'),
  ]
}
