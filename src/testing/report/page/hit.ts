/** What is under the pointer. Complete in itself: the page gets its text. */
import type { Scene } from './scene.js'

/** The row of the nearest thing, if one is near; else what the ground there means; both may be empty. */
export interface Hit {
  readonly row: number
  readonly ground: string
}

export function hit(scene: Omit<Scene, 'pen' | 'label'>, x: number, y: number): Hit {
  const REACH = 7
  const { data, time, place, shown } = scene
  const { left, plotWidth, axisBottom, lanesBottom, laneHeight } = place
  if (x < left || y < axisBottom || y > lanesBottom) return { row: -1, ground: '' }
  const xOf = (atMs: number): number => left + time.x(atMs, plotWidth)
  const atMs = time.timeAt(x - left, plotWidth)
  const msPerPixel = (time.toMs - time.fromMs) / plotWidth
  let best = -1
  let bestDistance = REACH

  for (const [row, kind, lane, markMs, sign] of data.marks) {
    if (shown[kind] !== true || Math.abs(markMs - atMs) > REACH * msPerPixel) continue
    const middle = place.bandMiddle(lane)
    const half = place.bandHeight / 2
    const markY = sign === 'tick' ? middle - half - 5 : sign === 'dot' ? middle + half + 5 : middle - half - 14
    // Small things come before long ones.
    offer(row, Math.hypot(xOf(markMs) - x, markY - y) - 2)
  }
  for (const [row, kind, from, to, sentMs, endMs, fate] of data.messages) {
    if (shown[kind] !== true || sentMs > atMs + REACH * msPerPixel || endMs < atMs - REACH * msPerPixel) continue
    const down = from < to ? 1 : -1
    const share = fate === 'lost' || fate === 'on-the-way' ? 0.5 : 1
    const startX = xOf(sentMs)
    const startY = place.bandMiddle(from) + (down * place.bandHeight) / 2
    const endX = startX + (xOf(endMs) - startX) * share
    const endY = startY + (place.bandMiddle(to) - (down * place.bandHeight) / 2 - startY) * share
    offer(row, distance(startX, startY, endX, endY))
  }
  if (best !== -1) return { row: best, ground: '' }

  const barKind = data.kinds.findIndex(({ sign }) => sign === 'bar')
  for (const [row, lane, track, fromMs, toMs] of data.calls) {
    if (shown[barKind] !== true || atMs < fromMs - 2 * msPerPixel || atMs > toMs + 2 * msPerPixel) continue
    const top = place.trackTop(lane, track)
    if (y >= top - 2 && y <= top + place.trackHeight + 2) return { row, ground: '' }
  }
  const lane = Math.min(data.members.length - 1, Math.floor((y - axisBottom) / laneHeight))
  const name = data.members[lane] ?? ''
  const shadeKind = data.kinds.findIndex(({ sign }) => sign === 'shade')
  const words: string[] = []
  let faultRow = -1
  for (const [, fromMs, toMs, state, term] of data.bands.filter((each) => each[0] === lane)) {
    if (fromMs <= atMs && atMs <= toMs) words.push(term === 0 ? `${name}: ${state}` : `${name}: ${state}, term ${term}`)
  }
  for (const [row, lanes, fromMs, toMs, text] of data.faults) {
    if (shown[shadeKind] !== true || !lanes.includes(lane) || atMs < fromMs - 2 * msPerPixel) continue
    if (atMs > Math.max(toMs, fromMs + 3 * msPerPixel)) continue
    words.push(text)
    // Its stripe is on top of the lane.
    if (y - place.laneTop(lane) < 24) faultRow = row
  }
  return { row: faultRow, ground: words.join('\n') }

  function offer(row: number, far: number): void {
    if (far >= bestDistance) return
    best = row
    bestDistance = far
  }

  function distance(x1: number, y1: number, x2: number, y2: number): number {
    const lengthSquared = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1
    const share = Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / lengthSquared))
    return Math.hypot(x1 + share * (x2 - x1) - x, y1 + share * (y2 - y1) - y)
  }
}
