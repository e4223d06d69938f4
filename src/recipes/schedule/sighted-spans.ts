/** What a process remembers of the spans of firings that others left out: the lowest time its clock has shown since. */
import type { Sightings, Span } from './due-firing.js'

export class SightedSpans implements Sightings {
  /** By where a span ends, which stays while its beginning moves. */
  readonly #lowestMs = new Map<number, number>()

  /** The clock shows `nowMs`, and these are the spans there are. As many are remembered. */
  look(spans: readonly Span[], nowMs: number): void {
    const before = new Map(this.#lowestMs)
    this.#lowestMs.clear()
    for (const { beforeMs } of spans) this.#lowestMs.set(beforeMs, Math.min(before.get(beforeMs) ?? nowMs, nowMs))
  }

  lowestMs({ beforeMs }: Span): number {
    return this.#lowestMs.get(beforeMs) ?? Infinity
  }
}
