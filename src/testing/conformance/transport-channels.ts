/** Channels, versions, members that were removed or run twice, and questions of those who are no members. */
import { LIMITS } from '../../base/limits.js'
import { check, equal, failureOf, rejectsAs, rejectsWith } from './check.js'
import { numbered, numberOf, pattern, range, sameBytes } from './transport-world.js'
import type { End, TransportTests, World } from './transport-world.js'

/** Time enough for an answer, on whatever clock. */
const ASK_MS = 10_000

export const channelTests: TransportTests = {
  'delivers bulk in its order, beside main': async (world) => {
    const [a, b] = await world.pair()
    await bulkStands(world, a, b)
    const before = b.frames.length
    for (let nth = 0; nth < 100; nth++) {
      check(a.send(b, numbered(nth), 'bulk'), `frame ${nth} of bulk was dropped`)
      check(a.send(b, numbered(1000 + nth), 'main'), `frame ${nth} of main was dropped`)
    }
    await b.received(before + 200)
    const arrived = b.frames.slice(before).map(numberOf)
    const of = (first: number): number[] => arrived.filter((number) => number >= first && number < first + 100)
    equal(of(0), range(100), 'order of arrival on bulk')
    equal(
      of(1000),
      range(100).map((nth) => 1000 + nth),
      'order of arrival on main',
    )
    check(
      b.frames.every(({ from }) => from === a.id),
      'a frame of bulk names another sender',
    )
  },

  'takes frames on main while bulk is full': async (world) => {
    const [a, b] = await world.pair()
    await bulkStands(world, a, b)
    const before = b.frames.length
    const bytes = pattern(1_000_000, 1)
    let onBulk = 0
    while (a.send(b, { kind: 1, bytes }, 'bulk')) onBulk++
    check(onBulk * bytes.byteLength <= LIMITS.peerQueueBytesMax, `${onBulk} MB were queued on bulk`)
    check(a.send(b, numbered(7)), 'main had no room because of bulk')
    await b.received(before + onBulk + 1)
    equal(b.frames.filter(({ frame }) => frame.bytes.byteLength === 300).length, before + 1, 'frames of main')
  },

  'drops bulk for an unknown peer, and refuses what could never be sent': async (world) => {
    const [a, b] = await world.pair()
    equal(a.transport.send(99, numbered(0), 'bulk'), false, 'result of sending to an unknown peer')
    const tooLong = { kind: 1, bytes: new Uint8Array(world.frameBytesMax + 1) }
    await rejectsAs(RangeError, () => a.send(b, tooLong, 'bulk'), 'a frame of bulk with a byte too many')
  },

  'stops both channels with a peer that is removed': async (world) => {
    const [a, b] = await world.pair()
    await bulkStands(world, b, a)
    const before = a.frames.length
    a.setPeers()
    await b.reported('unreachable', a.id)
    // Whether it is dropped here or there is not said: that bulk fell may be noticed a little later.
    b.send(a, numbered(0), 'bulk')
    await world.settle()
    equal(a.frames.length, before, 'frames from a removed peer')
  },

  'tells both ends the same version': async (world) => {
    const [a, b] = await world.pair()
    const [first, second] = [a.versions.get(b.id), b.versions.get(a.id)]
    check(Number.isInteger(first) && (first as number) > 0, `the version is ${first}`)
    equal(second, first, 'version at the other end')
  },
}

export const removalTests: TransportTests = {
  'tells a member once that it was removed, and lets it in again when it is a peer': async (world) => {
    const [a, b] = await world.pair()
    a.setPeersAndRemoved([], [b.id])
    await b.reported('removed', a.id)
    await b.reported('unreachable', a.id)
    await world.settle()
    equal(b.reports.filter(({ type }) => type === 'removed').length, 1, 'times that it was told')
    a.setPeers(b)
    await Promise.all([a.reported('reachable', b.id, 2), b.reported('reachable', a.id, 2)])
    a.setPeersAndRemoved([], [b.id])
    await b.reported('removed', a.id, 2)
  },

  'tells nobody that it was removed who only is not known': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2)
    a.setPeersAndRemoved([], [3])
    b.setPeers(a)
    await b.reported('unreachable', a.id)
    await world.settle()
    check(!b.reports.some(({ type }) => type === 'removed'), 'an unknown member was told that it was removed')
  },

  'takes a removed id that is a peer again for a peer': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2)
    a.setPeersAndRemoved([b], [b.id])
    b.setPeers(a)
    await Promise.all([a.reported('reachable', b.id), b.reported('reachable', a.id)])
  },
}

/** For transports whose harness says that they find out. */
export const duplicateTests: TransportTests = {
  'refuses a second process of a member while the first lives': async (world) => {
    const [a, b] = await world.pair()
    check(b.send(a, numbered(1)), 'a frame was dropped')
    await a.received(1)
    const copy = await world.open(b.id)
    copy.setPeers(a)
    await copy.reported('unreachable', a.id)
    check(!copy.reports.some(({ type }) => type === 'reachable'), 'the second process was let in')
    check(b.send(a, numbered(2)), 'the first process lost its connection')
    await a.received(2)
    equal(a.frames.map(numberOf), [1, 2], 'frames that arrived')
  },
}

/** For transports that can ask. */
export const questionTests: TransportTests = {
  'answers whoever asks, also before its start': async (world) => {
    const a = await world.open(1)
    a.onQuestionNow = (question) => Promise.resolve(pattern(question.byteLength + 1, 5))
    const stranger = world.harness.transport()
    const unstarted = world.adopt(stranger, 9)
    check(sameBytes(await ask(unstarted, a.address, 10), pattern(11, 5)), 'the answer arrived changed')
    const started = await world.open(8, { clusterId: 99 })
    check(sameBytes(await ask(started, a.address, LIMITS.questionBytesMax), pattern(LIMITS.questionBytesMax + 1, 5)), 'the answer to a long question arrived changed') // prettier-ignore
    equal(a.questions.map(({ byteLength }) => byteLength), [10, LIMITS.questionBytesMax], 'bytes of the questions') // prettier-ignore
    equal(a.frames.length + a.reports.length, 0, 'frames and reports')
  },

  'brings an answer as long as the limit, and none that is longer': async (world) => {
    const a = await world.open(1)
    const stranger = world.adopt(world.harness.transport(), 9)
    a.onQuestionNow = () => Promise.resolve(pattern(LIMITS.answerBytesMax, 3))
    check(sameBytes(await ask(stranger, a.address, 1), pattern(LIMITS.answerBytesMax, 3)), 'the answer was changed')
    a.onQuestionNow = () => Promise.resolve(pattern(LIMITS.answerBytesMax + 1, 3))
    await rejectsWith('UNREACHABLE', () => ask(stranger, a.address, 1), 'an answer that is too long')
  },

  'says that there is no answer where there is none': async (world) => {
    const a = await world.open(1)
    const stranger = world.adopt(world.harness.transport(), 9)
    a.onQuestionNow = () => Promise.reject(new Error('no'))
    await rejectsWith('UNREACHABLE', () => ask(stranger, a.address, 1), 'a question whose answer fails')
    await rejectsAs(RangeError, () => ask(stranger, a.address, LIMITS.questionBytesMax + 1), 'a question too long')
    a.onQuestionNow = () => new Promise(() => undefined)
    await rejectsWith('TIMEOUT', () => ask(stranger, a.address, 1, 100), 'a question without an answer')
    await a.transport.close()
    await rejectsWith('UNREACHABLE', () => ask(stranger, a.address, 1), 'a question to nobody')
  },

  'asks nothing any more after its close': async (world) => {
    const a = await world.open(1)
    a.onQuestionNow = () => new Promise(() => undefined)
    const stranger = world.adopt(world.harness.transport(), 9)
    const failure = failureOf(() => ask(stranger, a.address, 1, 100))
    await stranger.transport.close()
    check((await failure) !== undefined, 'a question survived the close of its transport')
    await rejectsWith('CLOSED', () => ask(stranger, a.address, 1), 'a question after the close')
  },
}

async function ask(end: End, address: string, bytes: number, timeoutMs = ASK_MS): Promise<Uint8Array> {
  const answer = await end.transport.ask?.(address, pattern(bytes, 1), timeoutMs)
  check(answer !== undefined, 'the transport cannot ask')
  return answer
}

/** It may come to stand a little later than main. */
async function bulkStands(world: World, from: End, to: End): Promise<void> {
  const before = to.frames.length
  while (!from.send(to, numbered(0), 'bulk')) await world.settle()
  await to.received(before + 1)
}
