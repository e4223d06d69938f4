/**
 * The script of the timeline: puts the parts together and answers to mouse and keys.
 *
 * Complete in itself but for the parts it is given (`scriptOf` in page-style.ts). Text from the run is only ever set as
 * `textContent` or drawn on the canvas.
 */
import type { ColorName } from '../page-style.js'
import type { PageCanvas, PageElement, PageEvent, PageWindow } from './dom.js'
import type { drawEvents } from './draw-events.js'
import type { drawLanes } from './draw-lanes.js'
import type { drawOverview } from './draw-overview.js'
import type { eventList } from './event-list.js'
import type { hit } from './hit.js'
import type { layout } from './layout.js'
import type { Scene } from './scene.js'
import type { timeWindow } from './time-window.js'
import type { TimelineData } from './timeline-data.js'

export interface TimelineParts {
  readonly drawEvents: typeof drawEvents
  readonly drawLanes: typeof drawLanes
  readonly drawOverview: typeof drawOverview
  readonly eventList: typeof eventList
  readonly hit: typeof hit
  readonly layout: typeof layout
  readonly timeWindow: typeof timeWindow
}

export function timelineMain(parts: TimelineParts): void {
  const page = globalThis as unknown as PageWindow
  const { document } = page
  const element = (id: string): PageElement => document.getElementById(id) as PageElement
  const data = JSON.parse(element('data').textContent ?? '') as TimelineData
  const canvas = element('canvas') as PageCanvas
  const tip = element('tip')
  const search = element('search')
  const help = element('help')
  const pen = canvas.getContext('2d')
  const time = parts.timeWindow(data.endMs)
  const shown = data.kinds.map(({ hidden }) => !hidden)
  const colors = {} as Record<ColorName, string>
  const COLOR_NAMES = ['ground', 'raised', 'text', 'muted', 'line', 'faint', 'focus', 'violation'] as const
  const INK_NAMES = ['blue', 'sky', 'green', 'orange', 'vermilion', 'purple', 'gray'] as const
  let selected = -1
  let hovered = -1
  let place = parts.layout(1, 1, data.members.length)
  let awaitsFrame = false
  let grabbed: { readonly x: number; readonly fromMs: number; readonly toMs: number; moved: boolean } | undefined
  let steersOverview = false

  const list = parts.eventList(document, element('list'), element('counter'), data, (row) => pick(row, false))

  // Drawing

  function redraw(): void {
    if (awaitsFrame) return
    awaitsFrame = true
    page.requestAnimationFrame(() => {
      awaitsFrame = false
      draw()
    })
  }

  function draw(): void {
    const { clientWidth, clientHeight } = canvas
    const ratio = page.devicePixelRatio || 1
    if (canvas.width !== Math.round(clientWidth * ratio) || canvas.height !== Math.round(clientHeight * ratio)) {
      canvas.width = Math.round(clientWidth * ratio)
      canvas.height = Math.round(clientHeight * ratio)
    }
    place = parts.layout(clientWidth, clientHeight, data.members.length)
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, clientWidth, clientHeight)
    const { label, write } = labels()
    const scene: Scene = { ...world(), pen, label }
    parts.drawLanes(scene)
    parts.drawEvents(scene)
    write()
    parts.drawOverview(scene)
  }

  function world(): Omit<Scene, 'pen' | 'label'> {
    const font = '11px system-ui, sans-serif'
    return { data, time, place, colors, font, termColor, shown, hovered, selected }
  }

  function termColor(term: number): string {
    const { blue, orange, green, purple, sky, vermilion, gray } = colors
    return term === 0 ? gray : ([blue, orange, green, purple, sky, vermilion][term % 6] ?? gray)
  }

  /** Words get a ground to stand on, none over others; they are written last, above everything. */
  function labels(): { label: Scene['label']; write: () => void } {
    const all: { readonly text: string; x: number; y: number; width: number; color: string }[] = []
    return {
      label(words, x, y, color) {
        const text = words.length > 60 ? `${words.slice(0, 59)}…` : words
        const width = pen.measureText(text).width
        if (x < place.left) return false
        const meets = (other: (typeof all)[number]): boolean =>
          Math.abs(other.y - y) < 13 && x < other.x + other.width + 6 && other.x < x + width + 6
        if (all.some(meets)) return false
        all.push({ text, x, y, width, color })
        return true
      },
      write() {
        pen.textAlign = 'left'
        pen.textBaseline = 'middle'
        for (const { text, x, y, width, color } of all) {
          pen.globalAlpha = 0.85
          pen.fillStyle = colors.ground
          pen.fillRect(x - 2, y - 7, width + 4, 14)
          pen.globalAlpha = 1
          pen.fillStyle = color
          pen.fillText(text, x, y)
        }
      },
    }
  }

  function readColors(): void {
    const style = page.getComputedStyle(document.documentElement)
    for (const name of [...COLOR_NAMES, ...INK_NAMES]) colors[name] = style.getPropertyValue(`--${name}`).trim()
    redraw()
  }

  // Choosing

  function pick(row: number, scroll: boolean): void {
    selected = row
    list.select(row, scroll)
    const atMs = data.rows[row]?.[0]
    if (atMs !== undefined) {
      time.reveal(atMs)
      page.history.replaceState(null, '', `#t=${atMs}`)
    }
    redraw()
  }

  function showWhole(): void {
    time.show(time.firstMs, time.lastMs)
    redraw()
  }

  function showTime(atMs: number): void {
    const half = Math.min(250, data.endMs / 20)
    time.show(atMs - half, atMs + half)
    const after = list.neighbour(-1, atMs, 1)
    selected = after === -1 ? list.neighbour(-1, atMs, -1) : after
    list.select(selected, true)
    redraw()
  }

  function showViolation(): void {
    if (data.violation === null) return showWhole()
    showTime(data.violation.atMs)
    selected = data.violation.row
    list.select(selected, true)
    page.history.replaceState(null, '', `#t=${data.violation.atMs}`)
  }

  /** The time that the address asks for, if it does. */
  function showAddress(): boolean {
    const atMs = Number(/^#t=([\d.]+)$/.exec(page.location.hash)?.[1] ?? Number.NaN)
    if (!Number.isFinite(atMs)) return false
    showTime(Math.min(atMs, data.endMs))
    return true
  }

  function refilter(): void {
    list.filter(shown, search.value)
    redraw()
  }

  // Mouse and pen

  function pointOf(event: PageEvent): { x: number; y: number } {
    const { left, top } = canvas.getBoundingClientRect()
    return { x: event.clientX - left, y: event.clientY - top }
  }

  function pointAt(event: PageEvent): void {
    const { x, y } = pointOf(event)
    const found = parts.hit(world(), x, y)
    if (found.row !== hovered) {
      hovered = found.row
      redraw()
    }
    const row = data.rows[found.row]
    const words: string[] = []
    if (row !== undefined) {
      const [atMs, , who, what, detail] = row
      words.push(`${(atMs / 1000).toFixed(4)} s   ${data.words[who] ?? ''}   ${data.words[what] ?? ''}`, detail)
    }
    if (found.ground !== '') words.push(found.ground)
    tip.hidden = words.length === 0
    tip.textContent = words.join('\n')
    const overRight = x + 16 + tip.offsetWidth > canvas.clientWidth
    tip.style['left'] = `${Math.max(0, overRight ? x - 12 - tip.offsetWidth : x + 16)}px`
    tip.style['top'] = `${Math.max(0, Math.min(y + 14, canvas.clientHeight - tip.offsetHeight - 4))}px`
    canvas.style['cursor'] = found.row === -1 ? 'grab' : 'pointer'
  }

  function overviewTime(x: number): number {
    return time.firstMs + ((x - place.left) / place.plotWidth) * (time.lastMs - time.firstMs)
  }

  function centre(atMs: number): void {
    const half = (time.toMs - time.fromMs) / 2
    time.show(atMs - half, atMs + half)
    redraw()
  }

  canvas.addEventListener('pointerdown', (event) => {
    const { x, y } = pointOf(event)
    canvas.setPointerCapture(event.pointerId)
    tip.hidden = true
    if (y >= place.overviewTop - 6) {
      steersOverview = true
      centre(overviewTime(x))
    } else grabbed = { x, fromMs: time.fromMs, toMs: time.toMs, moved: false }
  })
  canvas.addEventListener('pointermove', (event) => {
    const { x } = pointOf(event)
    if (steersOverview) return centre(overviewTime(x))
    if (grabbed === undefined) return pointAt(event)
    if (Math.abs(x - grabbed.x) > 3) grabbed.moved = true
    if (!grabbed.moved) return
    canvas.style['cursor'] = 'grabbing'
    const byMs = ((grabbed.x - x) / place.plotWidth) * (grabbed.toMs - grabbed.fromMs)
    time.show(grabbed.fromMs + byMs, grabbed.toMs + byMs)
    redraw()
  })
  canvas.addEventListener('pointerup', (event) => {
    const wasClick = grabbed?.moved === false
    grabbed = undefined
    steersOverview = false
    if (!wasClick) return
    const { x, y } = pointOf(event)
    const { row } = parts.hit(world(), x, y)
    if (row !== -1) pick(row, true)
    else {
      selected = -1
      list.select(-1, false)
      redraw()
    }
  })
  canvas.addEventListener('pointerleave', () => {
    tip.hidden = true
    hovered = -1
    redraw()
  })
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault()
      const unit = event.deltaMode === 1 ? 30 : 1
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        time.move(((sideways * unit) / place.plotWidth) * (time.toMs - time.fromMs))
      } else {
        const { x } = pointOf(event)
        time.zoom(1.0018 ** (event.deltaY * unit), time.timeAt(x - place.left, place.plotWidth))
      }
      redraw()
    },
    { passive: false },
  )
  canvas.addEventListener('dblclick', (event) => {
    const { x } = pointOf(event)
    time.zoom(0.25, time.timeAt(x - place.left, place.plotWidth))
    redraw()
  })

  // Keys and buttons

  function step(by: 1 | -1): void {
    const row = list.neighbour(selected, time.fromMs, by)
    if (row !== -1) pick(row, true)
  }

  function zoom(factor: number): void {
    const chosenMs = data.rows[selected]?.[0] ?? Number.NaN
    const isInSight = chosenMs >= time.fromMs && chosenMs <= time.toMs
    time.zoom(factor, isInSight ? chosenMs : (time.fromMs + time.toMs) / 2)
    redraw()
  }

  function move(share: number): void {
    time.move(share * (time.toMs - time.fromMs))
    redraw()
  }

  function changeTheme(): void {
    const { dataset } = document.documentElement
    const now = dataset['theme'] ?? (page.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
    dataset['theme'] = now === 'dark' ? 'light' : 'dark'
    readColors()
  }

  const actions: Readonly<Record<string, () => void>> = {
    v: showViolation,
    w: showWhole,
    '+': () => zoom(0.5),
    '=': () => zoom(0.5),
    '-': () => zoom(2),
    ArrowUp: () => zoom(0.5),
    ArrowDown: () => zoom(2),
    ArrowLeft: () => move(-0.2),
    ArrowRight: () => move(0.2),
    n: () => step(1),
    p: () => step(-1),
    t: changeTheme,
    '/': () => search.focus(),
    '?': () => {
      help.hidden = !help.hidden
    },
    Escape: () => {
      help.hidden = true
      selected = -1
      list.select(-1, false)
      redraw()
    },
  }
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (document.activeElement === search) {
      if (event.key === 'Escape' || event.key === 'Enter') search.blur()
      return
    }
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined
    if (action === undefined) return
    event.preventDefault()
    action()
  })
  const buttons = { violation: 'v', whole: 'w', closer: '+', farther: '-', theme: 't', keys: '?' } as const
  for (const [id, key] of Object.entries(buttons)) element(id).addEventListener('click', () => actions[key]?.())
  element('copy').addEventListener('click', () => {
    void page.navigator.clipboard?.writeText(element('replay').textContent ?? '').then(() => {
      element('copy').textContent = 'copied'
    })
  })
  data.kinds.forEach(({ sign }, kind) => {
    if (sign === 'line') return
    const box = element(`kind-${kind}`)
    box.addEventListener('change', () => {
      shown[kind] = box.checked
      refilter()
    })
  })
  search.addEventListener('input', refilter)
  page.addEventListener('resize', () => {
    refilter()
  })
  page.addEventListener('hashchange', () => {
    showAddress()
  })
  page.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readColors)

  readColors()
  refilter()
  if (!showAddress()) showViolation()
}
