/** Draws what moves and what happens: messages, decisions, ticks, and where it went wrong. Complete in itself. */
import type { Scene } from './scene.js'
import type { MarkShape, MessageShape } from './timeline-data.js'

export function drawEvents(scene: Scene): void {
  const { pen, data, time, place, colors, shown } = scene
  const { left, plotWidth, axisBottom, lanesBottom } = place
  /** From so many on, details of each are not drawn; from the second on, of those that fall on one pixel only one is. */
  const DETAILED = plotWidth / 2
  const DENSE = plotWidth * 3
  const WORDS = 45
  const xOf = (atMs: number): number => left + time.x(atMs, plotWidth)
  const rowText = (row: number): string => data.words[data.rows[row]?.[3] ?? 0] ?? ''

  /** Without what became of it, which the drawing shows. */
  const messageText = (row: number): string =>
    `${rowText(row)} ${(data.rows[row]?.[4] ?? '').replace(/ +(#\d|→).*$/, '')}`

  pen.save()
  pen.beginPath()
  pen.rect(left, axisBottom, plotWidth, lanesBottom - axisBottom)
  pen.clip()
  messages()
  marks()
  pen.restore()
  violation()

  function messages(): void {
    const visible = data.messages.filter(
      ([, kind, , , sentMs, endMs]) => shown[kind] === true && endMs >= time.fromMs && sentMs <= time.toMs,
    )
    const detailed = visible.length <= DETAILED
    const drawn = visible.length > DENSE ? thinned(visible) : visible
    pen.globalAlpha = detailed ? 0.85 : visible.length > DENSE ? 0.2 : 0.4
    data.kinds.forEach(({ color, dash }, kind) => {
      const ofKind = drawn.filter((shape) => shape[1] === kind)
      if (ofKind.length === 0) return
      pen.strokeStyle = colors[color]
      pen.fillStyle = colors[color]
      pen.lineWidth = detailed ? 1.25 : 1
      pen.setLineDash(detailed ? dash : [])
      pen.beginPath()
      for (const shape of ofKind) line(shape)
      pen.stroke()
      pen.setLineDash([])
      if (!detailed) return
      for (const shape of ofKind) head(shape)
    })
    pen.globalAlpha = visible.length > DENSE ? 0.3 : 1
    pen.strokeStyle = colors.violation
    pen.lineWidth = 1.5
    pen.beginPath()
    for (const shape of drawn) if (shape[6] === 'lost' || shape[6] === 'refused') cross(shape)
    pen.stroke()
    pen.globalAlpha = 1
    for (const shape of visible) {
      if (shape[0] === scene.hovered || shape[0] === scene.selected) highlight(shape)
    }
    if (visible.length > WORDS) return
    for (const shape of visible) {
      const { x, y, endX, endY } = path(shape)
      const color = data.kinds[shape[1]]?.color ?? 'text'
      // Nearer to where it comes from: in the middle there may be another lane.
      scene.label(messageText(shape[0]), x + (endX - x) / 3 + 6, y + (endY - y) / 3, colors[color])
    }
  }

  /** Of the messages of one kind between the same two that begin in one narrow column, one. */
  function thinned(shapes: readonly MessageShape[]): MessageShape[] {
    const members = data.members.length
    const column = shapes.length > 4 * DENSE ? 4 : 2
    const last = new Map<number, number>()
    return shapes.filter(([, kind, from, to, sentMs, , fate]) => {
      const way = (((fate === 'lost' ? 1 : 0) * data.kinds.length + kind) * members + from) * members + to
      const x = Math.floor(xOf(sentMs) / column)
      if (last.get(way) === x) return false
      last.set(way, x)
      return true
    })
  }

  /** Lost ones come half of the way. */
  function path([, , from, to, sentMs, endMs, fate]: MessageShape): {
    x: number
    y: number
    endX: number
    endY: number
  } {
    const down = from < to ? 1 : -1
    const x = xOf(sentMs)
    const y = place.bandMiddle(from) + (down * place.bandHeight) / 2
    const share = fate === 'lost' || fate === 'on-the-way' ? 0.5 : 1
    const fullY = place.bandMiddle(to) - (down * place.bandHeight) / 2
    return { x, y, endX: x + (xOf(endMs) - x) * share, endY: y + (fullY - y) * share }
  }

  function line(shape: MessageShape): void {
    const { x, y, endX, endY } = path(shape)
    pen.moveTo(x, y)
    pen.lineTo(endX, endY)
  }

  function head(shape: MessageShape): void {
    if (shape[6] !== 'arrived' && shape[6] !== 'arrived-again') return
    const { x, y, endX, endY } = path(shape)
    const length = Math.hypot(endX - x, endY - y) || 1
    const alongX = (endX - x) / length
    const alongY = (endY - y) / length
    pen.beginPath()
    pen.moveTo(endX, endY)
    pen.lineTo(endX - 7 * alongX - 3 * alongY, endY - 7 * alongY + 3 * alongX)
    pen.lineTo(endX - 7 * alongX + 3 * alongY, endY - 7 * alongY - 3 * alongX)
    pen.closePath()
    if (shape[6] === 'arrived') pen.fill()
    else pen.stroke()
  }

  function cross(shape: MessageShape): void {
    const { endX, endY } = path(shape)
    pen.moveTo(endX - 4, endY - 4)
    pen.lineTo(endX + 4, endY + 4)
    pen.moveTo(endX - 4, endY + 4)
    pen.lineTo(endX + 4, endY - 4)
  }

  function highlight(shape: MessageShape): void {
    pen.strokeStyle = colors.text
    pen.lineWidth = 3
    pen.beginPath()
    line(shape)
    pen.stroke()
    pen.fillStyle = colors.text
    head(shape)
  }

  function marks(): void {
    const visible = data.marks.filter(
      ([, kind, , atMs]) => shown[kind] === true && atMs >= time.fromMs && atMs <= time.toMs,
    )
    const last = new Map<number, number>()
    const drawn = visible.filter(([, kind, lane, atMs, sign]) => {
      const where = (kind * data.members.length + lane) * 3 + ['tick', 'dot', 'sign'].indexOf(sign)
      const x = Math.floor(xOf(atMs) / 2)
      if (visible.length > DENSE && last.get(where) === x) return false
      last.set(where, x)
      return true
    })
    // Many at once: each by itself would take a hundred times as long.
    for (const sign of ['tick', 'dot', 'sign'] as const) {
      data.kinds.forEach((kind, at) => {
        const alike = drawn.filter((shape) => shape[1] === at && shape[4] === sign)
        if (alike.length > 0) ink(alike, sign, colors[kind.color], kind.name === 'processes', 1)
      })
    }
    for (const shape of visible) {
      if (shape[0] === scene.hovered || shape[0] === scene.selected) ink([shape], shape[4], colors.text, true, 1.5)
    }
    const words = visible.filter(([, , , , sign]) => sign === 'sign')
    if (words.length > WORDS) return
    for (const [row, , lane, atMs] of words) {
      const y = place.bandMiddle(lane) - place.bandHeight / 2 - 18
      scene.label(rowText(row), xOf(atMs) + 6, y, colors.text)
    }
  }

  /** Ticks stand on the band, dots below it. Signs are above: full for processes, which come and go, empty for decisions. */
  function ink(shapes: readonly MarkShape[], sign: MarkShape[4], color: string, full: boolean, size: number): void {
    pen.fillStyle = color
    pen.strokeStyle = color
    pen.lineWidth = 1.5 * size
    pen.beginPath()
    for (const [, , lane, atMs] of shapes) {
      const x = xOf(atMs)
      const above = place.bandMiddle(lane) - place.bandHeight / 2
      const below = place.bandMiddle(lane) + place.bandHeight / 2
      switch (sign) {
        case 'tick':
          pen.moveTo(x, above - 2)
          pen.lineTo(x, above - 2 - 6 * size)
          break
        case 'dot':
          pen.moveTo(x, below + 5)
          pen.arc(x, below + 5, 2 * size, 0, 2 * Math.PI)
          break
        case 'sign': {
          const half = 4.5 * size
          const y = above - 14
          pen.moveTo(x, y - half)
          pen.lineTo(x + half, y)
          pen.lineTo(x, y + half)
          pen.lineTo(x - half, y)
          pen.closePath()
          break
        }
      }
    }
    if (sign === 'tick') return pen.stroke()
    if (sign === 'dot' || full) return pen.fill()
    pen.fillStyle = colors.ground
    pen.fill()
    pen.stroke()
  }

  function violation(): void {
    if (data.violation === null) return
    const x = Math.round(xOf(data.violation.atMs))
    if (x < left || x > left + plotWidth) return
    pen.fillStyle = colors.violation
    pen.fillRect(x - 1, axisBottom, 2, lanesBottom - axisBottom)
    pen.font = `600 ${scene.font}`
    const text = '✖ violation'
    const width = pen.measureText(text).width + 12
    const flag = Math.min(x - 1, left + plotWidth - width)
    pen.fillRect(flag, axisBottom - 8, width, 17)
    pen.fillStyle = colors.ground
    pen.textAlign = 'left'
    pen.fillText(text, flag + 6, axisBottom + 1)
    pen.font = scene.font
  }
}
