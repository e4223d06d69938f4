/**
 * The script of the page of a history.
 *
 * Complete in itself (`scriptOf` in page-style.ts). Text from the history is only ever set as text.
 */
import type { PageElement, PageWindow } from './dom.js'
import type { PageCall, PageData } from './page-data.js'

export function historyMain(): void {
  const MOMENT_WIDTH = 62
  const LEFT = 128
  const page = globalThis as unknown as PageWindow
  const { document } = page
  const element = (id: string): PageElement => document.getElementById(id)
  const data = JSON.parse(element('data').textContent ?? '') as PageData
  const lanes = element('lanes')
  const buttons = new Map<PageCall, PageElement>()
  const byLane: PageCall[][] = []
  let width = 0

  const make = (parent: PageElement, tag: string, className: string, text?: string): PageElement => {
    const made = document.createElement(tag)
    made.className = className
    if (text !== undefined) made.textContent = text
    parent.appendChild(made)
    return made
  }
  const kindOf = (call: PageCall): string => {
    if (call.index === data.failure) return 'failure'
    return call.outcome === 'ok' || call.outcome === 'refused' ? call.outcome : 'uncertain'
  }
  const clients = [...new Set(data.calls.map(({ client }) => client))]
  for (const { to } of data.calls) width = Math.max(width, LEFT + (to + 1) * MOMENT_WIDTH)
  clients.forEach((client) => {
    const calls = data.calls.filter((call) => call.client === client)
    byLane.push(calls)
    const lane = make(lanes, 'div', 'lane')
    lane.style.width = `${width}px`
    make(lane, 'span', 'name', client)
    calls.forEach((call, at) => {
      const button = make(lane, 'button', `call ${kindOf(call)}`)
      // A client may go on after a call of unknown outcome: then that ends where the next begins, for the eye.
      const end = kindOf(call) === 'uncertain' ? Math.min(call.to, calls[at + 1]?.from ?? call.to) : call.to
      button.style.left = `${LEFT + call.from * MOMENT_WIDTH}px`
      button.style.width = `${Math.max(1, end - call.from) * MOMENT_WIDTH - 4}px`
      button.tabIndex = -1
      button.title = call.text
      const label = make(button, 'span', 'label')
      if (call.place !== undefined) make(label, 'b', 'number', String(call.place))
      label.appendChild(document.createTextNode(call.text))
      button.addEventListener('mouseenter', () => {
        show(call)
      })
      button.addEventListener('focus', () => {
        reach(call)
        show(call)
      })
      buttons.set(call, button)
    })
  })

  /** The one call that the tabulator key leads to: the last that was gone to, not the last that was pointed at. */
  let reachable: PageCall | undefined
  const reach = (call: PageCall): void => {
    if (reachable !== undefined) (buttons.get(reachable) as PageElement).tabIndex = -1
    ;(buttons.get(call) as PageElement).tabIndex = 0
    reachable = call
  }
  let current: PageCall | undefined
  const show = (call: PageCall): void => {
    if (current !== undefined) buttons.get(current)?.removeAttribute('aria-current')
    current = call
    buttons.get(call)?.setAttribute('aria-current', 'true')
    const details = element('details')
    details.textContent = ''
    make(
      details,
      'h2',
      kindOf(call) === 'failure' ? 'violation' : '',
      `call ${call.index} of ${call.client}: ${call.text}`,
    )
    const times = [call.invokedMs, call.returnedMs].map((ms) => (ms === undefined ? '?' : `${ms.toFixed(3)} ms`))
    const known = call.invokedMs === undefined ? '' : `, called at ${times[0]}, ended at ${times[1]}`
    make(details, 'p', 'muted', `${call.outcome}${call.reason === undefined ? '' : ` (${call.reason})`}${known}`)
    if (call.place !== undefined) {
      make(details, 'p', '', `number ${call.place} of the order found; the state after it:`)
      make(details, 'p', 'state', call.state)
    } else if (kindOf(call) === 'failure') {
      make(details, 'p', '', 'no order explains it; the state before it could be:')
      for (const state of data.possibleStates) make(details, 'p', 'state', state)
    } else {
      make(details, 'p', 'muted', 'not placed in the order found')
    }
  }
  const focus = (call: PageCall | undefined): void => {
    const button = call === undefined ? undefined : buttons.get(call)
    if (call === undefined || button === undefined) return
    button.focus({ preventScroll: true })
    lanes.scrollLeft = button.offsetLeft - lanes.clientWidth / 2
    const lane = button.parentElement
    if (lane.offsetTop < lanes.scrollTop || lane.offsetTop + 40 > lanes.scrollTop + lanes.clientHeight) {
      lanes.scrollTop = lane.offsetTop - lanes.clientHeight / 2
    }
    show(call)
  }
  const nearest = (lane: readonly PageCall[] | undefined, from: number): PageCall | undefined =>
    lane === undefined
      ? undefined
      : [...lane].sort((left, right) => Math.abs(left.from - from) - Math.abs(right.from - from))[0]

  const failure = data.calls.find(({ index }) => index === data.failure)
  if (failure !== undefined) {
    const cut = make(lanes, 'div', 'cut')
    cut.style.left = `${LEFT + failure.to * MOMENT_WIDTH - 4}px`
    cut.style.height = `${clients.length * 40}px`
  }
  const toggleTheme = (): void => {
    const root = document.documentElement
    const dark = root.dataset['theme'] ?? (page.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
    root.dataset['theme'] = dark === 'dark' ? 'light' : 'dark'
  }
  element('theme').addEventListener('click', toggleTheme)
  element('failure').addEventListener('click', () => {
    focus(failure)
  })
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 't') toggleTheme()
    if (event.key === 'f') focus(failure)
    const at = current
    if (at === undefined || !event.key.startsWith('Arrow')) return
    event.preventDefault()
    const lane = clients.indexOf(at.client)
    const along = byLane[lane] ?? []
    if (event.key === 'ArrowRight') focus(along[along.indexOf(at) + 1])
    if (event.key === 'ArrowLeft') focus(along[along.indexOf(at) - 1])
    if (event.key === 'ArrowDown') focus(nearest(byLane[lane + 1], at.from))
    if (event.key === 'ArrowUp') focus(nearest(byLane[lane - 1], at.from))
  })
  focus(failure ?? data.calls[0])
}
