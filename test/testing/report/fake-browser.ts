/** As much of a browser as the timeline needs: no picture, but what was drawn, written and answered can be looked at. */
import { runInNewContext } from 'node:vm'

interface FakeEvent {
  readonly key?: string
  readonly clientX?: number
  readonly clientY?: number
  readonly deltaY?: number
}

export class FakeElement {
  textContent: string | null = ''
  className = ''
  title = ''
  hidden = false
  value = ''
  checked = true
  scrollTop = 0
  readonly clientWidth = 1200
  readonly clientHeight = 700
  readonly offsetWidth = 100
  readonly offsetHeight = 20
  width = 0
  height = 0
  readonly style: Record<string, string> = {}
  readonly dataset: Record<string, string> = {}
  children: FakeElement[] = []
  readonly listeners = new Map<string, (event: object) => void>()
  readonly pen = new FakePen()

  append(...children: FakeElement[]): void {
    this.children.push(...children)
  }
  replaceChildren(...children: FakeElement[]): void {
    this.children = children
  }
  addEventListener(type: string, listener: (event: object) => void): void {
    this.listeners.set(type, listener)
  }
  getBoundingClientRect(): object {
    return { left: 0, top: 0, width: this.clientWidth, height: this.clientHeight }
  }
  getContext(): FakePen {
    return this.pen
  }
  setPointerCapture(): void {}
  focus(): void {}
  blur(): void {}

  /** All words in it. */
  get words(): string {
    return [this.textContent, ...this.children.map(({ words }) => words)].join(' ')
  }

  fire(type: string, event: FakeEvent = {}): void {
    const nothing = { deltaX: 0, deltaY: 0, deltaMode: 0, clientX: 0, clientY: 0, pointerId: 1 }
    this.listeners.get(type)?.({ ...nothing, ...event, preventDefault: () => undefined })
  }
}

/** Counts what is drawn. */
class FakePen {
  lines = 0
  readonly texts: string[] = []

  forget(): void {
    this.lines = 0
    this.texts.length = 0
  }
  lineTo(): void {
    this.lines++
  }
  fillText(text: string): void {
    this.texts.push(text)
  }
  measureText(text: string): { width: number } {
    return { width: text.length * 6 }
  }
  setTransform(): void {}
  save(): void {}
  restore(): void {}
  beginPath(): void {}
  closePath(): void {}
  rect(): void {}
  clip(): void {}
  moveTo(): void {}
  arc(): void {}
  stroke(): void {}
  fill(): void {}
  fillRect(): void {}
  strokeRect(): void {}
  clearRect(): void {}
  setLineDash(): void {}
}

export class FakeBrowser {
  readonly document = new FakeElement()
  address = ''
  readonly #elements = new Map<string, FakeElement>()
  readonly #window = new FakeElement()
  readonly #page: string

  /** Opens a page, at an address that ends in `hash`. */
  constructor(page: string, hash = '') {
    this.#page = page
    this.address = hash
    this.element('data').textContent = this.#between('id="data">', '</script>')
    for (const [, id = ''] of page.matchAll(/<input type="checkbox" id="([^"]+)">/g)) this.element(id).checked = false
    const document = Object.assign(this.document, {
      documentElement: new FakeElement(),
      activeElement: null,
      getElementById: (id: string) => this.element(id),
      createElement: () => new FakeElement(),
    })
    const location = { hash }
    runInNewContext(this.#between('<script>', '</script>'), {
      document,
      location,
      history: {
        replaceState: (_state: null, _title: string, url: string) => {
          this.address = url
        },
      },
      navigator: {},
      devicePixelRatio: 1,
      addEventListener: this.#window.addEventListener.bind(this.#window),
      requestAnimationFrame: (draw: () => void) => {
        this.pen.forget()
        draw()
      },
      getComputedStyle: () => ({ getPropertyValue: (name: string) => ` ${name}` }),
      matchMedia: () => ({ matches: false, addEventListener: () => undefined }),
    })
  }

  element(id: string): FakeElement {
    let element = this.#elements.get(id)
    if (element === undefined) this.#elements.set(id, (element = new FakeElement()))
    return element
  }

  get pen(): FakePen {
    return this.element('canvas').pen
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.document.fire('keydown', { key })
  }

  /** The line of the list that is chosen. */
  get chosen(): string {
    const lines = this.element('list').children[0]?.children ?? []
    return lines.find(({ className }) => className.includes('selected'))?.words.trim() ?? ''
  }

  #between(begin: string, end: string): string {
    const from = this.#page.indexOf(begin) + begin.length
    return this.#page.slice(from, this.#page.indexOf(end, from))
  }
}
