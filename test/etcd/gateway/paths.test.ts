/** What each path of the gateway answers: ./story.ts, told to a server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTES } from '../../../src/etcd/gateway/routes.js'
import { serve } from './served-http.js'
import { STORY, Teller } from './story.js'

describe('the JSON gateway', () => {
  let served: Awaited<ReturnType<typeof serve>>
  let teller: Teller

  beforeAll(async () => {
    served = await serve({}, { durability: 'none', listen: '127.0.0.1:0' })
    teller = new Teller(served.url)
  })
  afterAll(() => served.close())

  it.each(STORY.map((step, index) => [index + 1, step.path, step] as const))('%i: %s', async (_, __, step) => {
    expect(await teller.tell(step)).toEqual(step.answer)
  })

  it('has all its paths in the story', () => {
    const told = new Set(STORY.map(({ path }) => path))
    expect(ROUTES.map(({ path }) => path).filter((path) => !told.has(path))).toEqual([])
  })
})
