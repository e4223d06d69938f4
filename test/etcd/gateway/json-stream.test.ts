/** The objects of a body, whatever lies between them and however it is cut. */
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { jsonObjects } from '../../../src/etcd/gateway/json-stream.js'

describe('the objects of a request body', () => {
  it('are the same however the body is cut', async () => {
    const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 4 })
    const between = fc.constantFrom('', '\n', ' \r\n\t')
    await fc.assert(
      fc.asyncProperty(objects, between, fc.integer({ min: 1, max: 7 }), async (values, space, size) => {
        const body = Buffer.from(values.map((value) => JSON.stringify(value)).join(space))
        const found = await all(jsonObjects(cut(body, size), 1_000_000))
        expect(found).toEqual(values.map((value) => JSON.stringify(value)))
      }),
    )
  })

  it('are there before the body has ended', async () => {
    const asked: string[] = []
    async function* body(): AsyncGenerator<Uint8Array> {
      asked.push('first')
      yield Buffer.from('{"a":1}{"b"')
      asked.push('second')
      yield Buffer.from(':2}')
    }
    const objects = jsonObjects(body(), 100)
    expect(String((await objects.next()).value)).toBe('{"a":1}')
    expect(asked).toEqual(['first'])
    expect(String((await objects.next()).value)).toBe('{"b":2}')
  })

  it.each([
    ['1', 'each value of the body must be an object'],
    ['{}[]', 'each value of the body must be an object'],
    ['{}x', 'each value of the body must be an object'],
    ['{"a":{}', 'the body ends within an object'],
    ['{"a":"}', 'the body ends within an object'],
  ])('refuse %s', async (body, message) => {
    await expect(all(jsonObjects(cut(Buffer.from(body), 100), 100))).rejects.toThrow(
      `etcdserver: malformed request: ${message}`,
    )
  })

  it('refuse what is too large before it has come', async () => {
    const body = Buffer.from(`{"a":"${'x'.repeat(100)}`)
    await expect(all(jsonObjects(cut(body, 10), 50))).rejects.toThrow('etcdserver: request is too large')
  })
})

async function* cut(body: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += size) yield await Promise.resolve(body.subarray(at, at + size))
}

async function all(objects: AsyncIterable<Uint8Array>): Promise<string[]> {
  const found: string[] = []
  for await (const object of objects) found.push(Buffer.from(object).toString())
  return found
}
