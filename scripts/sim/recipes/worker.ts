/** One thread that runs slices of seeds, one after the other. */
import { parentPort } from 'node:worker_threads'
import { describeFailure } from '../../../src/testing/index.js'
import { SCENARIOS } from '../../../test/recipes/simulated/scenarios.js'
import type { Slice, SliceRan } from './messages.js'

parentPort?.on('message', (order: Slice) => {
  void answer(order).then((ran) => parentPort?.postMessage(ran))
})

async function answer({ scenario, naive, from, count }: Slice): Promise<SliceRan> {
  const found = SCENARIOS.find(({ name }) => name === scenario)
  const variant = naive === undefined ? found : found?.naive[naive]
  if (variant === undefined) throw new RangeError(`there is no ${scenario} ${naive ?? ''}`)
  const { failure, ...rest } = await variant.run({ from, count, shrink: true })
  if (failure === undefined) return { ...rest, failure }
  return { ...rest, failure: { seed: failure.seed, message: failure.message, story: describeFailure(failure) } }
}
