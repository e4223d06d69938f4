/**
 * Requests of a stream whose answers wait for the same thing: several are under way together, and answered in their order.
 *
 * Always: what goes wrong is told where the answer would have been, and nothing after it. No more than `most` are under way:
 * the next request is taken when the oldest answer is.
 */
import { Queue } from '../../../base/queue.js'

export async function* answeredInOrder<Request, Response>(
  requests: AsyncIterable<Request>,
  most: number,
  answer: (request: Request) => Promise<Response>,
): AsyncGenerator<Response, void, undefined> {
  const answers = new Queue<Promise<Response> | undefined>()
  let [tell, goOn] = [nobody, nobody]
  let underWay = 0
  const add = (next: Promise<Response> | undefined): void => {
    // It may fail while those before it are waited for.
    next?.catch(() => undefined)
    answers.push(next)
    tell()
  }
  const source = requests[Symbol.asyncIterator]()
  const take = async (): Promise<void> => {
    for (let taken = await source.next(); taken.done !== true; taken = await source.next()) {
      underWay++
      add(answer(taken.value))
      if (underWay >= most) await new Promise<void>((resolve) => (goOn = resolve))
    }
    add(undefined)
  }
  take().catch((error: unknown) => add(Promise.reject(error as Error)))
  try {
    for (;;) {
      if (answers.size === 0) await new Promise<void>((resolve) => (tell = resolve))
      const next = answers.shift()
      if (next === undefined) return
      const response = await next
      underWay--
      goOn()
      yield response
    }
  } finally {
    // Not waited for: it may be in the middle of waiting for a request that never comes.
    source.return?.().catch(() => undefined)
    goOn()
  }
}

function nobody(): void {
  // Nobody waits.
}
