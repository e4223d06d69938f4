/** Draws the whole run, small, and a frame around what is shown large. Complete in itself. */
import type { Scene } from './scene.js'

export function drawOverview(scene: Scene): void {
  const { pen, data, time, place, colors } = scene
  const { left, plotWidth, overviewTop, overviewBottom } = place
  const xOf = (atMs: number): number => left + ((atMs - time.firstMs) / (time.lastMs - time.firstMs)) * plotWidth
  const height = overviewBottom - overviewTop
  const laneHeight = (height - 4) / Math.max(1, data.members.length)
  const laneTop = (lane: number): number => overviewTop + 2 + lane * laneHeight

  pen.fillStyle = colors.raised
  pen.fillRect(left, overviewTop, plotWidth, height)
  pen.globalAlpha = 0.3
  pen.fillStyle = colors.orange
  for (const [, lanes, fromMs, toMs] of data.faults) {
    for (const lane of lanes) {
      pen.fillRect(xOf(fromMs), laneTop(lane), Math.max(1, xOf(toMs) - xOf(fromMs)), laneHeight)
    }
  }
  pen.globalAlpha = 1
  for (const [lane, fromMs, toMs, state, term] of data.bands) {
    if (state === 'down') continue
    const thick = state === 'leader' ? Math.max(3, laneHeight - 3) : 1.5
    pen.fillStyle = scene.termColor(term)
    pen.fillRect(xOf(fromMs), laneTop(lane) + (laneHeight - thick) / 2, Math.max(0.5, xOf(toMs) - xOf(fromMs)), thick)
  }
  if (data.violation !== null) {
    pen.fillStyle = colors.violation
    pen.fillRect(xOf(data.violation.atMs) - 1, overviewTop - 3, 2.5, height + 6)
  }
  const from = Math.max(left, xOf(time.fromMs))
  const to = Math.max(from + 3, Math.min(left + plotWidth, xOf(time.toMs)))
  pen.globalAlpha = 0.55
  pen.fillStyle = colors.ground
  pen.fillRect(left, overviewTop, from - left, height)
  pen.fillRect(to, overviewTop, left + plotWidth - to, height)
  pen.globalAlpha = 1
  pen.strokeStyle = colors.focus
  pen.lineWidth = 1.5
  pen.strokeRect(from, overviewTop - 1, to - from, height + 2)
  pen.fillStyle = colors.muted
  pen.textAlign = 'right'
  pen.font = scene.font
  pen.fillText('whole run', left - 6, (overviewTop + overviewBottom) / 2)
}
