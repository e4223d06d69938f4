/**
 * The part of the run that is on the screen.
 *
 * Always: `fromMs` < `toMs`, and both are within the run and a little margin around it.
 */

export interface TimeWindow {
  readonly fromMs: number
  readonly toMs: number
  /** Where the margin begins and ends: what "the whole run" shows. */
  readonly firstMs: number
  readonly lastMs: number
  /** Of a drawing that is `width` wide. */
  x(atMs: number, width: number): number
  timeAt(x: number, width: number): number
  show(fromMs: number, toMs: number): void
  /** Makes what is shown `factor` times as long; the time at `aroundMs` stays where it is. */
  zoom(factor: number, aroundMs: number): void
  move(byMs: number): void
  /** Brings a time into view, without changing the scale; in the middle, if it was not in view. */
  reveal(atMs: number): void
  /** Times at which the axis has a label, and the labels: seconds, with as many digits as the distance needs. */
  ticks(width: number): { readonly atMs: number; readonly label: string }[]
}

/** Complete in itself: the page gets its text. */
export function timeWindow(endMs: number): TimeWindow {
  const SHORTEST_MS = 0.05
  const LABEL_PIXELS = 110
  const margin = Math.max(1, endMs * 0.02)
  const firstMs = -margin
  const lastMs = endMs + margin
  let fromMs = firstMs
  let toMs = lastMs

  function show(from: number, to: number): void {
    const length = Math.min(lastMs - firstMs, Math.max(SHORTEST_MS, to - from))
    const middle = (from + to) / 2
    fromMs = Math.min(lastMs - length, Math.max(firstMs, middle - length / 2))
    toMs = fromMs + length
  }

  return {
    get fromMs() {
      return fromMs
    },
    get toMs() {
      return toMs
    },
    firstMs,
    lastMs,
    x: (atMs, width) => ((atMs - fromMs) / (toMs - fromMs)) * width,
    timeAt: (x, width) => fromMs + (x / width) * (toMs - fromMs),
    show,
    zoom(factor, aroundMs) {
      const length = Math.min(lastMs - firstMs, Math.max(SHORTEST_MS, (toMs - fromMs) * factor))
      const share = (aroundMs - fromMs) / (toMs - fromMs)
      show(aroundMs - share * length, aroundMs + (1 - share) * length)
    },
    move(byMs) {
      show(fromMs + byMs, toMs + byMs)
    },
    reveal(atMs) {
      const length = toMs - fromMs
      if (atMs < fromMs + length * 0.05 || atMs > toMs - length * 0.05) show(atMs - length / 2, atMs + length / 2)
    },
    ticks(width) {
      const roughMs = ((toMs - fromMs) * LABEL_PIXELS) / width
      const power = 10 ** Math.floor(Math.log10(roughMs))
      const stepMs = ([1, 2, 5, 10].find((factor) => factor * power >= roughMs) ?? 10) * power
      const digits = Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(stepMs) + 1e-9)))
      const ticks: { atMs: number; label: string }[] = []
      for (let at = Math.ceil(Math.max(0, fromMs) / stepMs); at * stepMs <= toMs; at++) {
        ticks.push({ atMs: at * stepMs, label: `${((at * stepMs) / 1000).toFixed(digits)} s` })
      }
      return ticks
    },
  }
}
