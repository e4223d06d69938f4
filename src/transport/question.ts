/** What all transports do with a question of somebody who is no member: bounded on both sides, answered once. */
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import type { TransportHandler } from './transport.js'

/** Why there is no answer, and what whoever asked is told of it. */
export const NO_ANSWER = {
  untaken: 'it takes no questions',
  busy: 'it answers too many questions just now',
  failed: 'it has no answer to give',
} as const

export type NoAnswer = keyof typeof NO_ANSWER

/** Kinds of the frame that comes back: numbers on the wire. */
export const ANSWER_KIND: Readonly<Record<'answer' | NoAnswer, number>> = { answer: 0, untaken: 1, busy: 2, failed: 3 }

/** The questions under way at one end. */
export class Questions {
  readonly #failed: (reason: string) => void
  #underWay = 0

  /** `failed` is told why one was not answered that might have been. */
  constructor(failed: (reason: string) => void = () => undefined) {
    this.#failed = failed
  }

  /** Never rejects. The answer is the caller's own. */
  async answer(handler: TransportHandler, question: Uint8Array): Promise<Uint8Array | NoAnswer> {
    if (handler.onQuestion === undefined) return 'untaken'
    if (this.#underWay >= LIMITS.questionsMax) return 'busy'
    this.#underWay++
    try {
      const answer = await handler.onQuestion(question)
      if (answer.byteLength <= LIMITS.answerBytesMax) return new Uint8Array(answer)
      this.#failed(`the answer has ${answer.byteLength} bytes, ${LIMITS.answerBytesMax} are allowed`)
      return 'failed'
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error))
      return 'failed'
    } finally {
      this.#underWay--
    }
  }
}

/** `reason` goes on behind a colon, in the words of one side about the other. */
export function unanswered(address: string, reason: string): StoreError {
  return new StoreError('UNREACHABLE', `There is no answer from ${quote(address)}: ${reason}.`)
}

export function unansweredInTime(address: string, timeoutMs: number): StoreError {
  return new StoreError('TIMEOUT', `There is no answer from ${quote(address)} within ${timeoutMs} ms.`)
}

export function checkQuestion(question: Uint8Array, timeoutMs: number): void {
  const { questionBytesMax } = LIMITS
  if (question.byteLength > questionBytesMax) {
    throw new RangeError(`A question holds at most ${questionBytesMax} bytes, not ${question.byteLength}`)
  }
  if (!Number.isFinite(timeoutMs) || timeoutMs < 0) {
    throw new RangeError(`timeoutMs is a number of milliseconds, not ${timeoutMs}`)
  }
}
