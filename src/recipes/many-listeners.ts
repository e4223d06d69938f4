/** One signal for many waits. */
import { setMaxListeners } from 'node:events'

/**
 * Node warns of a leak as soon as eleven listen to one signal. A program has one signal for its end and gives it to all that
 * waits, so that is no leak; and whoever calls this takes its listener away again.
 */
export function allowManyListeners(signal: AbortSignal): void {
  // One that is none of Node's own warns of nothing.
  if (signal instanceof EventTarget) setMaxListeners(0, signal)
}
