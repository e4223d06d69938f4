/**
 * Of a browser, what the scripts of the pages use, as types. The compiler's own list of everything a browser has would be
 * there for all of src, where `name` or `event` must not be taken for variables that exist.
 */

export interface PageElement {
  textContent: string | null
  className: string
  title: string
  hidden: boolean
  value: string
  checked: boolean
  scrollTop: number
  readonly clientWidth: number
  readonly clientHeight: number
  readonly offsetWidth: number
  readonly offsetHeight: number
  readonly style: Record<string, string>
  readonly dataset: Record<string, string | undefined>
  append(...children: (PageElement | string)[]): void
  replaceChildren(...children: (PageElement | string)[]): void
  addEventListener(type: string, listener: (event: PageEvent) => void, options?: { passive: boolean }): void
  getBoundingClientRect(): {
    readonly left: number
    readonly top: number
    readonly width: number
    readonly height: number
  }
  setAttribute(name: string, value: string): void
  setPointerCapture(pointer: number): void
  focus(): void
  blur(): void
  select(): void
}

export interface PageCanvas extends PageElement {
  width: number
  height: number
  getContext(type: '2d'): Drawing
}

export interface PageEvent {
  readonly clientX: number
  readonly clientY: number
  readonly deltaX: number
  readonly deltaY: number
  readonly deltaMode: number
  readonly buttons: number
  readonly pointerId: number
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly key: string
  readonly target: unknown
  preventDefault(): void
}

/** The context of a canvas. */
export interface Drawing {
  fillStyle: unknown
  strokeStyle: unknown
  lineWidth: number
  globalAlpha: number
  font: string
  textAlign: 'left' | 'right' | 'center'
  textBaseline: 'top' | 'middle' | 'bottom' | 'alphabetic'
  lineCap: 'butt' | 'round'
  setTransform(a: number, b: number, c: number, d: number, e: number, f: number): void
  save(): void
  restore(): void
  beginPath(): void
  closePath(): void
  rect(x: number, y: number, width: number, height: number): void
  clip(): void
  moveTo(x: number, y: number): void
  lineTo(x: number, y: number): void
  arc(x: number, y: number, radius: number, from: number, to: number): void
  stroke(): void
  fill(): void
  fillRect(x: number, y: number, width: number, height: number): void
  strokeRect(x: number, y: number, width: number, height: number): void
  clearRect(x: number, y: number, width: number, height: number): void
  fillText(text: string, x: number, y: number): void
  measureText(text: string): { readonly width: number }
  setLineDash(dash: readonly number[]): void
}

export interface PageDocument {
  readonly documentElement: PageElement
  readonly activeElement: PageElement | null
  getElementById(id: string): PageElement | null
  createElement(name: string): PageElement
  addEventListener(type: string, listener: (event: PageEvent) => void): void
}

export interface PageWindow {
  readonly document: PageDocument
  readonly devicePixelRatio: number
  readonly location: { readonly hash: string }
  readonly history: { replaceState(state: null, title: string, url: string): void }
  readonly navigator: { readonly clipboard?: { writeText(text: string): Promise<void> } }
  addEventListener(type: string, listener: (event: PageEvent) => void): void
  requestAnimationFrame(draw: () => void): void
  getComputedStyle(element: PageElement): { getPropertyValue(name: string): string }
  matchMedia(query: string): { addEventListener(type: 'change', listener: () => void): void; readonly matches: boolean }
}
