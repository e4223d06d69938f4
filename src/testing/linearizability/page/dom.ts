/** Of the browser what the page of a history uses: its types are not among those of Node. */
export interface PageElement {
  textContent: string | null
  className: string
  title: string
  tabIndex: number
  scrollLeft: number
  scrollTop: number
  readonly style: Record<'left' | 'width' | 'height', string>
  readonly dataset: Record<string, string | undefined>
  readonly offsetLeft: number
  readonly offsetTop: number
  readonly clientWidth: number
  readonly clientHeight: number
  readonly parentElement: PageElement
  appendChild(child: unknown): void
  setAttribute(name: string, value: string): void
  removeAttribute(name: string): void
  addEventListener(name: 'click' | 'focus' | 'mouseenter', listener: () => void): void
  focus(options: { readonly preventScroll: boolean }): void
}

export interface PageKey {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  preventDefault(): void
}

export interface PageWindow {
  readonly document: {
    readonly documentElement: PageElement
    getElementById(id: string): PageElement
    createElement(tag: string): PageElement
    createTextNode(text: string): unknown
    addEventListener(name: 'keydown', listener: (event: PageKey) => void): void
  }
  matchMedia(query: string): { readonly matches: boolean }
}
