import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Queue } from '../../src/base/queue.js'

test('gives what was put in, in the same order, whatever came and went before', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(9), { freq: 2 }), { maxLength: 60 }), (steps) => {
      const queue = new Queue<number>()
      const twin: number[] = []
      for (const step of steps) {
        if (step === null) expect(queue.shift()).toBe(twin.shift())
        else {
          queue.push(step)
          twin.push(step)
        }
        expect([queue.size, queue.first]).toEqual([twin.length, twin[0]])
      }
    }),
  )
})
