/** What the drawing functions of a timeline are given. */
import type { ColorName } from '../page-style.js'
import type { Drawing } from './dom.js'
import type { Layout } from './layout.js'
import type { TimeWindow } from './time-window.js'
import type { TimelineData } from './timeline-data.js'

export interface Scene {
  readonly pen: Drawing
  readonly data: TimelineData
  readonly time: TimeWindow
  readonly place: Layout
  readonly colors: Readonly<Record<ColorName, string>>
  readonly font: string
  /** Members in one term have one colour. */
  termColor(term: number): string
  /** By kind. */
  readonly shown: readonly boolean[]
  /** The row under the pointer and the one that was chosen; -1 for none. */
  readonly hovered: number
  readonly selected: number
  /** Writes words unless others stand there already; whether it did. */
  label(text: string, x: number, y: number, color: string): boolean
}
