/** What a frame between members carries: the first thing its receiver looks at. docs/WIRE-PROTOCOL.md lists them. */
export const FRAME_KIND = {
  /** One Raft message (raft-codec.ts). */
  raft: 1,
  /** Proposals for the leader to append (proposal-codec.ts). */
  propose: 2,
  /** Questions to another member (call-codec.ts). */
  call: 3,
  /** Answers to some. */
  reply: 4,
  /** Part of a snapshot on its way to another member (transfer-codec.ts). */
  transfer: 5,
  /** Who is in the cluster, asked and told (book-codec.ts); only between members that speak version 2 or later. */
  book: 6,
} as const
