/**
 * Who is in the cluster, between two members of which one may have missed a change (book-exchange.ts).
 *
 *     1 | index          whoever knows of a later change than this one is to say so
 *     2 | index | book   who is in the cluster since the change at this index
 */
import { assertNever } from '../../base/assert.js'
import { Reader, Writer } from '../../base/codec.js'
import { readMemberBook, writeMemberBook } from '../../machine/member-book-codec.js'
import type { MemberBook } from '../../machine/member-book.js'
import type { Index } from '../../raft/types.js'

export type BookFrame =
  /** 0: of none. */
  | { readonly type: 'ask'; readonly index: Index }
  | { readonly type: 'tell'; readonly index: Index; readonly book: MemberBook }

const ASK = 1
const TELL = 2

export function encodeBook(frame: BookFrame): Uint8Array {
  switch (frame.type) {
    case 'ask':
      return new Writer(9).uint8(ASK).uint53(frame.index).finish()
    case 'tell':
      return writeMemberBook(new Writer(256).uint8(TELL).uint53(frame.index), frame.book).finish()
    default:
      return assertNever(frame, 'frame about the members')
  }
}

/** Throws `MALFORMED`. */
export function decodeBook(bytes: Uint8Array): BookFrame {
  const reader = new Reader(bytes, 'a frame about the members')
  const kind = reader.uint8()
  if (kind !== ASK && kind !== TELL) throw reader.malformed(`unknown kind ${kind}`)
  const index = reader.uint53()
  const frame: BookFrame = kind === ASK ? { type: 'ask', index } : { type: 'tell', index, book: readMemberBook(reader) }
  reader.end()
  return frame
}
