/** The events of a revision in parts, for consumers that take no more at once. */
import type { WatchEvent } from './watch.js'

/** @internal Parts of at most so many bytes, or of one event. */
export function eventParts(events: readonly WatchEvent[], bytesMax: number): WatchEvent[][] {
  const parts: WatchEvent[][] = []
  let room = 0
  for (const event of events) {
    const bytes = eventBytes(event)
    const last = parts.at(-1)
    if (last !== undefined && bytes <= room) last.push(event)
    else {
      parts.push([event])
      room = bytesMax
    }
    room -= bytes
  }
  return parts
}

/** @internal Of its key and value, and of the version before. */
export function eventBytes(event: WatchEvent): number {
  const { keyValue, previous } = event
  const valueBytes = event.type === 'put' ? event.keyValue.value.byteLength : 0
  const previousBytes = previous === undefined ? 0 : previous.keyBytes.byteLength + previous.value.byteLength
  return keyValue.keyBytes.byteLength + valueBytes + previousBytes
}
