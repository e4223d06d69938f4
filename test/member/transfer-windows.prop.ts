/**
 * Both ends of a transfer over a network that loses, repeats and reorders: the receiver gets the stream, byte for byte, and
 * neither end ever holds more than its window.
 */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { PullWindow } from '../../src/member/pull-window.js'
import { SendWindow, type Piece } from '../../src/member/send-window.js'

const PIECE_BYTES = 10
const WINDOW = 4

const blocks = fc.array(fc.uint8Array({ maxLength: 35 }), { maxLength: 12 })

/** What becomes of frames: each draw decides on the next one. */
const fates = fc.infiniteStream(fc.constantFrom('arrives', 'arrives', 'arrives', 'lost', 'twice', 'late'))

/** Runs until all arrived; both directions go through the same bad network. */
function transfer(stream: readonly Uint8Array[], fate: Iterator<string>): { received: Buffer; keptMax: number } {
  const sender = new SendWindow(PIECE_BYTES)
  const receiver = new PullWindow(WINDOW)
  const left = [...stream]
  const received: Uint8Array[] = []
  let pulls: { next: number; through: number }[] = []
  let pieces: Piece[] = []
  let keptMax = 0
  const pass = <T>(frames: readonly T[]): { now: T[]; later: T[] } => {
    const now: T[] = []
    const later: T[] = []
    for (const frame of frames) {
      const what = fate.next().value as string
      if (what === 'late') later.push(frame)
      else if (what !== 'lost') now.push(frame, ...(what === 'twice' ? [frame] : []))
    }
    return { now: now.reverse(), later }
  }
  for (let round = 0; round < 10_000 && !receiver.done; round++) {
    const pulled = pass([...pulls, receiver.wanted])
    pulls = pulled.later
    for (const { next, through } of pulled.now) sender.pull(next, through)
    while (sender.wantsMore) {
      const block = left.shift()
      if (block === undefined) sender.finish()
      else sender.supply(block)
    }
    const passed = pass([...pieces, ...sender.take()])
    pieces = passed.later
    let kept = 0
    for (const piece of passed.now) if (receiver.accept(piece)) kept++
    keptMax = Math.max(keptMax, kept)
    for (let piece = receiver.take(); piece !== undefined; piece = receiver.take()) received.push(piece.bytes)
  }
  expect(receiver.done).toBe(true)
  sender.pull(receiver.wanted.next, receiver.wanted.through)
  expect(sender.acknowledged).toBe(true)
  return { received: Buffer.concat(received), keptMax }
}

describe('a snapshot that is pulled piece by piece', () => {
  test('arrives whole and in order, whatever the network does', () => {
    fc.assert(
      fc.property(blocks, fates, (stream, fate) => {
        const { received, keptMax } = transfer(stream, fate[Symbol.iterator]())
        expect(received.equals(Buffer.concat(stream))).toBe(true)
        expect(keptMax).toBeLessThanOrEqual(WINDOW)
      }),
      { numRuns: 200 },
    )
  })

  test('is read from the stream no further than its receiver has room', () => {
    const sender = new SendWindow(PIECE_BYTES)
    sender.pull(0, WINDOW)
    let read = 0
    for (; sender.wantsMore; read++) sender.supply(new Uint8Array(PIECE_BYTES))
    expect(read).toBe(WINDOW)
    expect(sender.take()).toHaveLength(WINDOW)
    expect(sender.take()).toHaveLength(0)
  })

  test('is sent again where the same is asked for again, and not by words that are older', () => {
    const sender = new SendWindow(PIECE_BYTES)
    sender.pull(0, 4)
    sender.supply(new Uint8Array(6 * PIECE_BYTES))
    expect(sender.take().map(({ number }) => number)).toEqual([0, 1, 2, 3])
    expect(sender.pull(2, 6)).toBe(true)
    expect(sender.take().map(({ number }) => number)).toEqual([4, 5])
    expect([sender.pull(0, 4), sender.pull(1, 5)]).toEqual([false, false])
    expect(sender.take()).toEqual([])
    expect(sender.pull(2, 6)).toBe(true)
    expect(sender.take().map(({ number }) => number)).toEqual([2, 3, 4, 5])
  })

  test('keeps nothing that was not asked for, or came before', () => {
    const receiver = new PullWindow(2)
    const piece = (number: number): Piece => ({ number, bytes: new Uint8Array(1), last: false })
    expect([5, 1, 1, 0].map((number) => receiver.accept(piece(number)))).toEqual([false, true, false, true])
    expect(receiver.take()?.number).toBe(0)
    expect(receiver.accept(piece(0))).toBe(false)
    expect(receiver.wanted).toEqual({ next: 2, through: 3 })
  })
})
