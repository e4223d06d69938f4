/** Draws what lies still: lanes, the axis, what each member is, pauses, faults, and calls. Complete in itself. */
import type { Scene } from './scene.js'
import type { BandState, CallShape } from './timeline-data.js'

export function drawLanes(scene: Scene): void {
  const { pen, data, time, place, colors, shown } = scene
  const { left, plotWidth, axisBottom, lanesBottom, laneHeight } = place
  const right = left + plotWidth
  const xOf = (atMs: number): number => left + time.x(atMs, plotWidth)
  const isVisible = (fromMs: number, toMs: number): boolean => toMs >= time.fromMs && fromMs <= time.toMs

  grid()
  pen.save()
  pen.beginPath()
  pen.rect(left, 0, plotWidth, lanesBottom)
  pen.clip()
  faults()
  for (const [lane, fromMs, toMs, state, term] of data.bands) {
    if (isVisible(fromMs, toMs)) band(lane, fromMs, toMs, state, term)
  }
  for (const [lane, fromMs, toMs] of data.pauses) if (isVisible(fromMs, toMs)) pause(lane, fromMs, toMs)
  calls()
  pen.restore()
  omission()
  names()

  function grid(): void {
    data.members.forEach((_, lane) => {
      pen.fillStyle = lane % 2 === 0 ? colors.raised : colors.ground
      pen.fillRect(0, place.laneTop(lane), right, laneHeight)
    })
    pen.font = scene.font
    pen.textBaseline = 'middle'
    pen.textAlign = 'center'
    pen.lineWidth = 1
    for (const { atMs, label } of time.ticks(plotWidth)) {
      const x = Math.round(xOf(atMs)) + 0.5
      pen.strokeStyle = colors.line
      pen.beginPath()
      pen.moveTo(x, axisBottom - 5)
      pen.lineTo(x, lanesBottom)
      pen.stroke()
      pen.fillStyle = colors.muted
      if (x > left + 24) pen.fillText(label, Math.min(x, right - 24), axisBottom - 15)
    }
    pen.strokeStyle = colors.line
    pen.strokeRect(left - 0.5, axisBottom - 0.5, plotWidth, lanesBottom - axisBottom)
  }

  function faults(): void {
    const kind = data.kinds.findIndex(({ sign }) => sign === 'shade')
    if (shown[kind] !== true) return
    const deep = data.members.map(() => [] as number[])
    for (const [row, lanes, fromMs, toMs, text] of data.faults) {
      if (!isVisible(fromMs, toMs)) continue
      const x = xOf(fromMs)
      const width = Math.max(3, xOf(toMs) - x)
      const strong = row === scene.hovered || row === scene.selected
      for (const lane of lanes) {
        const top = place.laneTop(lane)
        // Faults at one time have their stripes below each other.
        const ends = deep[lane] ?? []
        let depth = ends.findIndex((endMs) => endMs < fromMs)
        if (depth === -1) depth = ends.length
        ends[depth] = toMs
        pen.globalAlpha = strong ? 0.32 : 0.14
        pen.fillStyle = colors.orange
        pen.fillRect(x, top, width, laneHeight)
        pen.globalAlpha = 1
        const stripe = top + 2 + Math.min(depth, 4) * 16
        pen.fillRect(x, stripe, width, 3)
        if (width > 60) scene.label(text, Math.max(x, left) + 4, stripe + 10, colors.text)
      }
    }
  }

  function band(lane: number, fromMs: number, toMs: number, state: BandState, term: number): void {
    const x = Math.max(left - 2, xOf(fromMs))
    const width = Math.max(1, Math.min(right + 2, xOf(toMs)) - x)
    const middle = place.bandMiddle(lane)
    const height = place.bandHeight
    const color = scene.termColor(term)
    pen.fillStyle = color
    pen.strokeStyle = color
    pen.lineWidth = 1.5
    pen.setLineDash([])
    switch (state) {
      case 'leader':
        pen.fillRect(x, middle - height / 2, width, height)
        break
      case 'follower':
        pen.fillRect(x, middle - 2.5, width, 5)
        break
      case 'candidate':
      case 'pre-candidate':
        pen.fillStyle = colors.ground
        pen.fillRect(x, middle - height / 2 + 1, width, height - 2)
        if (state === 'pre-candidate') pen.setLineDash([3, 3])
        pen.strokeRect(x, middle - height / 2 + 1, width, height - 2)
        pen.setLineDash([])
        break
      case 'starting':
        pen.strokeStyle = colors.muted
        pen.strokeRect(x, middle - 2.5, width, 5)
        break
      case 'down':
        pen.strokeStyle = colors.muted
        pen.setLineDash([1, 5])
        pen.beginPath()
        pen.moveTo(x, middle)
        pen.lineTo(x + width, middle)
        pen.stroke()
        pen.setLineDash([])
        break
    }
    const text = state === 'down' || state === 'starting' ? state : `${state} t${term}`
    if (pen.measureText(text).width + 8 > width) return
    if (state === 'leader' || state.endsWith('candidate')) {
      pen.fillStyle = state === 'leader' ? colors.ground : colors.text
      pen.textAlign = 'left'
      pen.fillText(text, x + 5, middle + 0.5)
    } else scene.label(text, x + 5, middle + 11, state === 'follower' ? color : colors.muted)
  }

  function pause(lane: number, fromMs: number, toMs: number): void {
    const x = xOf(fromMs)
    const width = Math.max(2, xOf(toMs) - x)
    const middle = place.bandMiddle(lane)
    const height = place.bandHeight + 4
    pen.fillStyle = lane % 2 === 0 ? colors.raised : colors.ground
    pen.fillRect(x, middle - height / 2, width, height)
    pen.fillStyle = colors.muted
    pen.fillRect(x, middle - height / 2, 2, height)
    pen.fillRect(x + width - 2, middle - height / 2, 2, height)
    if (width > 50) scene.label('paused', x + 7, middle, colors.muted)
  }

  function calls(): void {
    const kind = data.kinds.findIndex(({ sign }) => sign === 'bar')
    if (shown[kind] !== true) return
    for (const shape of data.calls) if (isVisible(shape[3], shape[4])) call(shape)
  }

  /** Ok: full. Refused: empty. Unknown: full and open at its end. Never ended: striped. */
  function call([row, lane, track, fromMs, toMs, outcome]: CallShape): void {
    const x = xOf(fromMs)
    const width = Math.max(2, xOf(toMs) - x)
    const top = place.trackTop(lane, track)
    const height = place.trackHeight
    const color = { ok: colors.sky, refused: colors.muted, unknown: colors.orange, open: colors.orange }[outcome]
    pen.fillStyle = color
    pen.strokeStyle = color
    pen.lineWidth = 1
    if (outcome === 'refused') pen.strokeRect(x + 0.5, top + 0.5, width - 1, height - 1)
    else if (outcome === 'open') {
      for (let at = x; at < x + width && at < right; at += 6) {
        if (at > left - 6) pen.fillRect(at, top, Math.min(3, x + width - at), height)
      }
    } else pen.fillRect(x, top, width, height)
    if (outcome === 'unknown' && width > 4) {
      pen.fillStyle = colors.ground
      pen.beginPath()
      pen.moveTo(x + width, top - 1)
      pen.lineTo(x + width - height / 2, top + height / 2)
      pen.lineTo(x + width, top + height + 1)
      pen.fill()
    }
    callText(row, outcome, x, top, width)
    if (row === scene.hovered || row === scene.selected) {
      pen.strokeStyle = colors.text
      pen.lineWidth = 1.5
      pen.strokeRect(x - 1.5, top - 1.5, width + 3, height + 3)
    }
  }

  function callText(row: number, outcome: CallShape[5], x: number, top: number, width: number): void {
    if (place.trackHeight < 12 || width < 40) return
    const text = data.rows[row]?.[4] ?? ''
    pen.font = `10px ${scene.font.replace(/^\S+ /, '')}`
    const from = Math.max(left, x) + 4
    if (pen.measureText(text).width + 14 < x + width - from) {
      pen.fillStyle = outcome === 'ok' || outcome === 'unknown' ? colors.ground : colors.text
      pen.textAlign = 'left'
      if (outcome !== 'open') pen.fillText(text, from, top + place.trackHeight / 2 + 0.5)
    }
    pen.font = scene.font
  }

  /** Where the messages begin that were kept. */
  function omission(): void {
    if (data.messagesFromMs <= time.fromMs || data.messagesFromMs > time.toMs) return
    const x = Math.round(xOf(data.messagesFromMs)) + 0.5
    pen.strokeStyle = colors.muted
    pen.lineWidth = 1
    pen.setLineDash([6, 4])
    pen.beginPath()
    pen.moveTo(x, axisBottom)
    pen.lineTo(x, lanesBottom)
    pen.stroke()
    pen.setLineDash([])
    const text = '← earlier messages are left out'
    scene.label(text, x - pen.measureText(text).width - 8, lanesBottom - 10, colors.muted)
  }

  function names(): void {
    pen.textAlign = 'right'
    pen.fillStyle = colors.text
    pen.font = `600 ${scene.font}`
    data.members.forEach((name, lane) => {
      const text = name.length > 8 ? `${name.slice(0, 7)}…` : name
      pen.fillText(text, left - 10, place.bandMiddle(lane))
    })
    pen.font = scene.font
  }
}
