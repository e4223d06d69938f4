/**
 * UPDATE_TRANSCRIPTS=1 npx vitest run test/testing/report/transcript.test.ts      writes the file anew
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { RunRecorder, SimWorld, transcript } from 'quorate/testing'
import { HEADLINE, Teller, story } from './story.js'

const FILE = fileURLToPath(new URL('../../testdata/report/story.txt', import.meta.url))

describe('a transcript', () => {
  test('tells a run in columns, and the violation last', () => {
    const actual = transcript(story())
    if (process.env['UPDATE_TRANSCRIPTS'] === '1') {
      expect(process.env['CI'], 'transcripts are updated by people, who read what changed').toBeUndefined()
      writeFileSync(FILE, actual)
    } else expect(actual).toBe(readFileSync(FILE, 'utf8'))
  })

  test('says how much is left out', () => {
    const tell = new Teller()
    for (let at = 0; at < 5_000; at++) {
      tell.message(at, 'a', 'b', { type: 'heartbeat', term: 1, commit: at, round: 0 }, ['delivered', at + 0.5])
    }
    const text = transcript(tell.record(HEADLINE, undefined, 10))
    expect(text).toContain('(9,990 earlier events are left out)')
    expect(text).not.toContain('commit 4994')
    expect(text).toContain('commit 4999')
  })

  test('of simulated members decodes every message and names every member', async () => {
    const recorder = new RunRecorder({ members: ['a', 'b', 'c'] })
    const world: SimWorld = new SimWorld({
      seed: 5,
      open: (node) => ({
        electionTimeoutMs: 300,
        observe: (event) => {
          recorder.world({ atMs: world.nowMs, subject: 'member', node, event })
        },
      }),
      observe: (event) => {
        recorder.world(event)
      },
    })
    for (const place of world.places) world.start(place)
    await world.run(() => world.statuses().some(({ role }) => role === 'leader'), 5_000)
    const writer = world.places.find(({ store }) => store?.status().role === 'follower')
    const lease = await held(world, writer?.store?.leases.grant({ ttlMs: 10_000 }))
    await held(world, writer?.store?.put('key', 'value', { lease: lease.id }))
    await held(world, writer?.store?.leases.keepAlive(lease.id))
    const text = transcript(recorder.record(HEADLINE))
    for (const word of ['pre-vote', 'vote-reply', 'append-accepted', 'propose', 'call ', 'reply ', 'became-leader']) {
      expect(text).toContain(word)
    }
    expect(text).not.toMatch(/do not decode|kind \d/)
    expect(text).toMatch(/vote-granted +t\d+ {2}to [abc]\n/)
    expect(text).toMatch(/applied +2@\d+, revision 1/)
  })
})

/** What a promise of a member comes to, while virtual time passes. */
async function held<Value>(world: SimWorld, promise: Promise<Value> | undefined): Promise<Value> {
  let value: { readonly of: Value } | undefined
  void promise?.then((of) => {
    value = { of }
  })
  await world.run(() => value !== undefined, 5_000)
  if (value === undefined) throw new Error('nothing came of a call within 5 s of virtual time')
  return value.of
}
