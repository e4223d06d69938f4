/** The examples of docs/WIRE-PROTOCOL.md are what is sent. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MEMBER } from '../../src/machine/identity.js'
import { encodeBook } from '../../src/member/wire/book-codec.js'
import { encodeCalls, encodeReplies } from '../../src/member/wire/call-codec.js'
import { encodeTransfer } from '../../src/member/wire/transfer-codec.js'
import { encodeFrame, encodeKeepalive } from '../../src/transport/frame.js'
import { encodeAnswer, encodeHello, helloTo, PROTOCOL_VERSIONS, questionHello } from '../../src/transport/handshake.js'

const CALLER = { clusterId: 7, memberId: 2, versions: PROTOCOL_VERSIONS, life: 0x1234 }

const EXAMPLES: readonly (readonly [string, Uint8Array])[] = [
  ['hello of version 1', encodeHello(helloTo(1, 'main', { ...CALLER, versions: { min: 1, max: 1 } }))],
  ['hello', encodeHello(helloTo(1, 'bulk', CALLER))],
  ['answer', encodeAnswer({ type: 'accepted', version: 3, clusterId: 7, memberId: 1 })],
  ['hello of a question', encodeHello(questionHello(PROTOCOL_VERSIONS))],
  ['frame', encodeFrame({ kind: 7, bytes: Uint8Array.of(1, 2, 3) })],
  ['keepalive', encodeKeepalive()],
  [
    'change of members',
    encodeCalls([{ id: 9, identity: MEMBER, request: { type: 'change-members', change: { type: 'promote', id: 3 } } }]),
  ],
  ['answer to a change of members', encodeReplies([{ id: 9, response: { type: 'members-changed', index: 12 } }])],
  ['question for the members', encodeBook({ type: 'ask', index: 7 })],
  ['pull', encodeTransfer({ type: 'pull', transfer: 17, next: 3, through: 8 })],
]

test.each(EXAMPLES)('the %s of the document', (_name, bytes) => {
  const page = readFileSync(new URL('../../docs/WIRE-PROTOCOL.md', import.meta.url), 'utf8')
  const examples = [...page.matchAll(/```\n([0-9a-f ]+)\n```/g)].map((match) => match[1]?.replaceAll(' ', ''))
  expect(examples).toHaveLength(EXAMPLES.length)
  expect(examples).toContain(Buffer.from(bytes).toString('hex'))
})
