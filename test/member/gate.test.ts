import { expect, test } from 'vitest'
import { Gate } from '../../src/member/gate.js'

test('a gate lets in as many as it is wide, and the others in the order in which they came', async () => {
  const gate = new Gate(2)
  const inside: number[] = []
  const leave = new Map<number, () => void>()
  const runs = [0, 1, 2, 3, 4].map((nth) =>
    gate.run(() => {
      inside.push(nth)
      return new Promise<void>((resolve) => leave.set(nth, resolve))
    }),
  )
  const leaves = async (nth: number): Promise<void> => {
    leave.get(nth)?.()
    await runs[nth]
    await Promise.resolve()
  }
  expect(inside).toEqual([0, 1])
  await leaves(1)
  expect(inside).toEqual([0, 1, 2])
  await leaves(0)
  await leaves(2)
  expect(inside).toEqual([0, 1, 2, 3, 4])
  await leaves(3)
  await leaves(4)
  expect(await gate.run(() => Promise.resolve('again'))).toBe('again')
})

test('a gate is not narrower after a failure', async () => {
  const gate = new Gate(1)
  await expect(gate.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(await gate.run(() => Promise.resolve('next'))).toBe('next')
})
