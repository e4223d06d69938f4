/** One thread that runs seeds and shrinks plans, one order after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import {
  drawPlan,
  runPlan,
  RunFailure,
  runTwice,
  sameFailure,
  shrinkPlan,
  type Plan,
  type RunOptions,
} from '../../src/testing/index.js'
import { CANARIES } from './canaries.js'
import type { FailureText, Order, Ran, Setup, Shrunk } from './messages.js'

const { canary } = workerData as Setup

parentPort?.on('message', (order: Order) => {
  void answer(order).then((result) => parentPort?.postMessage(result))
})

function answer(order: Order): Promise<Ran | Shrunk> {
  return order.type === 'run' ? run(order) : shrink(order)
}

function options(): RunOptions {
  return canary === undefined ? {} : { plant: CANARIES[canary]() }
}

async function run({ seed, draw, twice }: Order & { readonly type: 'run' }): Promise<Ran> {
  const plan = drawPlan(seed, draw)
  const report = await runPlan(plan, options())
  const { virtualMs, events, coverage } = report
  let { failure } = report
  if (failure === undefined && twice) failure = await difference(plan, report.traceHash)
  const operations = plan.operations.length
  return { type: 'ran', seed, failure: textOf(failure), virtualMs, events, operations, coverage }
}

/** A second run must be the first one again; else where they part. */
async function difference(plan: Plan, traceHash: string): Promise<RunFailure | undefined> {
  const again = await runPlan(plan, options())
  if (again.traceHash === traceHash) return undefined
  const where = await runTwice(plan, options())
  return new RunFailure(
    'nondeterminism',
    where ?? `seed ${plan.seed} had the traces ${traceHash} and ${again.traceHash}`,
  )
}

async function shrink({ plan, failure, limitMs }: Order & { readonly type: 'shrink' }): Promise<Shrunk> {
  const endMs = performance.now() + limitMs
  let runs = 0
  let last = failure
  const small = await shrinkPlan(plan, {
    failsAtMs: async (candidate) => {
      runs++
      const report = await runPlan(candidate, options())
      if (report.failure === undefined || !sameFailure(report.failure, failure)) return undefined
      last = textOf(report.failure) ?? failure
      return report.failedAtMs
    },
    isOver: () => performance.now() > endMs,
  })
  return { type: 'shrunk', plan: small, failure: last, runs }
}

function textOf(failure: RunFailure | undefined): FailureText | undefined {
  if (failure === undefined) return undefined
  const { kind, invariant, message, stack, cause } = failure
  return { kind, invariant, message, stack: cause instanceof Error ? cause.stack : stack }
}
