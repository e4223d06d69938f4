/** Where things are on the canvas of a timeline: an axis on top, a lane for each member, and the whole run at the bottom. */

export interface Layout {
  readonly width: number
  readonly height: number
  /** Names of members stand left of this. */
  readonly left: number
  readonly plotWidth: number
  readonly axisBottom: number
  readonly lanesBottom: number
  readonly laneHeight: number
  /** The small drawing of the whole run. */
  readonly overviewTop: number
  readonly overviewBottom: number
  readonly bandHeight: number
  readonly trackHeight: number
  laneTop(lane: number): number
  /** The middle of the band that tells what the member is; messages begin and end there. */
  bandMiddle(lane: number): number
  trackTop(lane: number, track: number): number
}

/** Complete in itself: the page gets its text. */
export function layout(width: number, height: number, lanes: number): Layout {
  const left = 64
  const axisBottom = 30
  const overviewHeight = Math.min(54, 14 + lanes * 8)
  const overviewBottom = height - 6
  const overviewTop = overviewBottom - overviewHeight
  const lanesBottom = overviewTop - 12
  const laneHeight = (lanesBottom - axisBottom) / Math.max(1, lanes)
  const trackHeight = Math.max(4, Math.min(14, laneHeight / 14))
  const laneTop = (lane: number): number => axisBottom + lane * laneHeight
  const bandMiddle = (lane: number): number => laneTop(lane) + Math.min(laneHeight * 0.42, 84)
  const bandHeight = Math.max(10, Math.min(18, laneHeight / 7))
  return {
    width,
    height,
    left,
    plotWidth: Math.max(1, width - left),
    axisBottom,
    lanesBottom,
    laneHeight,
    overviewTop,
    overviewBottom,
    bandHeight,
    trackHeight,
    laneTop,
    bandMiddle,
    trackTop: (lane, track) => laneTop(lane) + laneHeight - 6 - (track + 1) * (trackHeight + 2),
  }
}
