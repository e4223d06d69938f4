import { describe, expect, test } from 'vitest'
import { open } from 'quorate'

describe('the loop', () => {
  test('puts each write into the log once, also those that were made before there was a leader', async () => {
    const store = await open()
    await Promise.all(Array.from({ length: 100 }, (_, at) => store.put(`key ${at}`, 'value')))
    // One entry more than writes: what a new leader begins its term with.
    expect(store.status().log.lastIndex).toBe(101)
    await store.close()
  })
})
