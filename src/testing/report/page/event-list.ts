/** The list of events beside the drawing. Only the lines in sight are elements, so that its length costs nothing. */
import type { PageDocument, PageElement } from './dom.js'
import type { TimelineData } from './timeline-data.js'

export interface EventList {
  /** Shows the rows of these kinds that hold `words` somewhere, whatever their case. */
  filter(shown: readonly boolean[], words: string): void
  /** Marks a row; `scroll` brings it into sight. */
  select(row: number, scroll: boolean): void
  /** The next row after, or before, the one selected (or the time) among those shown; round again at the ends. */
  neighbour(selected: number, atMs: number, step: 1 | -1): number
}

/** Complete in itself: the page gets its text. */
export function eventList(
  document: PageDocument,
  frame: PageElement,
  counter: PageElement,
  data: TimelineData,
  onPick: (row: number) => void,
): EventList {
  const LINE_PIXELS = 20
  const content = document.createElement('div')
  content.className = 'lines'
  frame.replaceChildren(content)
  let rows: readonly number[] = []
  let selected = -1
  const haystack = new Map<number, string>()

  frame.addEventListener('scroll', draw)

  function draw(): void {
    const first = Math.max(0, Math.floor(frame.scrollTop / LINE_PIXELS) - 5)
    const count = Math.ceil(frame.clientHeight / LINE_PIXELS) + 10
    content.style['height'] = `${rows.length * LINE_PIXELS}px`
    content.replaceChildren(...rows.slice(first, first + count).map((row, at) => line(row, (first + at) * LINE_PIXELS)))
  }

  function line(row: number, top: number): PageElement {
    const [atMs, kind, who, what, detail] = data.rows[row] ?? [0, 0, 0, 0, '']
    const element = document.createElement('div')
    element.className = row === selected ? 'line selected' : 'line'
    element.style['top'] = `${top}px`
    const late = data.violation !== null && atMs > data.violation.atMs
    if (late) element.className += ' late'
    const sign = document.createElement('i')
    sign.style['background'] = `var(--${data.kinds[kind]?.color ?? 'muted'})`
    element.append(
      cell('at', (atMs / 1000).toFixed(6).replace(/(\.\d{4})\d\d$/, '$1')),
      sign,
      cell('who', data.words[who] ?? ''),
      cell('what', data.words[what] ?? ''),
      cell('detail', detail),
    )
    element.title = `${data.words[what] ?? ''}  ${detail}`
    element.addEventListener('click', () => onPick(row))
    return element
  }

  function cell(name: string, text: string): PageElement {
    const element = document.createElement('span')
    element.className = name
    element.textContent = text
    return element
  }

  function wordsOf(row: number): string {
    let words = haystack.get(row)
    if (words === undefined) {
      const [, , who, what, detail] = data.rows[row] ?? [0, 0, 0, 0, '']
      words = `${data.words[who] ?? ''} ${data.words[what] ?? ''} ${detail}`.toLowerCase()
      haystack.set(row, words)
    }
    return words
  }

  /** How many of the rows shown come before this one. */
  function placeOf(isBefore: (row: number) => boolean): number {
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBefore(rows[middle] ?? 0)) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    filter(shown, words) {
      const wanted = words.trim().toLowerCase()
      const all: number[] = []
      data.rows.forEach(([, kind], row) => {
        if (shown[kind] === true && (wanted === '' || wordsOf(row).includes(wanted))) all.push(row)
      })
      rows = all
      const total = data.rows.length.toLocaleString('en-US')
      counter.textContent =
        rows.length === data.rows.length
          ? `${total} events`
          : `${rows.length.toLocaleString('en-US')} of ${total} events`
      draw()
    },
    select(row, scroll) {
      selected = row
      const place = placeOf((each) => each < row)
      const top = place * LINE_PIXELS
      if (scroll && (top < frame.scrollTop || top > frame.scrollTop + frame.clientHeight - LINE_PIXELS)) {
        frame.scrollTop = Math.max(0, top - frame.clientHeight / 2)
      }
      draw()
    },
    neighbour(from, atMs, step) {
      const timeOf = (row: number): number => data.rows[row]?.[0] ?? 0
      const at = placeOf((row) => (from === -1 ? timeOf(row) < atMs : row < from))
      const next = step === -1 ? at - 1 : from !== -1 && rows[at] === from ? at + 1 : at
      return rows[next] ?? rows[step === 1 ? 0 : rows.length - 1] ?? -1
    },
  }
}
