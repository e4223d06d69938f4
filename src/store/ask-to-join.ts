/**
 * The first thing that a process does which wants to join: it asks members of the cluster who it is to be there.
 *
 *     round      all addresses are asked at once; the first welcome ends it
 *     again      after a while, also where nobody answers: members may be about to start, and the one that joins about to be
 *                added. Addresses are looked up anew for each round
 *     end        a welcome; or the time is over, the signal aborted; or nobody who answers will ever let it in, twice in a row
 *                (a member that is a moment behind may say so once)
 *
 * Nothing is on disk and nothing listens yet. Not here: what is done with a welcome (open.ts).
 */
import { assertNever } from '../base/assert.js'
import type { Environment } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import type { GiveUp } from '../member/deadlines.js'
import {
  decodeJoinAnswer,
  encodeJoinQuestion,
  type JoinAnswer,
  type JoinQuestion,
  type JoinRefusal,
} from '../member/wire/join-codec.js'
import type { Transport } from '../transport/transport.js'
import { pauseWithin, within } from './within.js'

export type Welcome = Extract<JoinAnswer, { type: 'welcome' }>

export interface Asking {
  readonly ask: NonNullable<Transport['ask']>
  readonly environment: Environment
  readonly question: JoinQuestion
  /** Of whoever is to be asked; looked up for each round. */
  readonly addresses: () => Promise<readonly string[]>
  readonly signal: AbortSignal | undefined
}

/** What an address said last; `final`: it will say nothing else. Undefined: it said nothing. */
interface Said {
  readonly what: string
  readonly final: boolean | undefined
}

/** How often in a row it must be said that there is no way in. */
const FINAL_ROUNDS = 2

/** Rejects with `JOIN_FAILED`, saying what each address said, and `ABORTED`. */
export async function askToJoin(asking: Asking): Promise<Welcome> {
  const { environment, signal, question } = asking
  const { clock, logger } = environment
  const limits = { deadlineMs: clock.monotonicMs() + LIMITS.joinMsMax, signal }
  let answers = ''
  let finalRounds = 0
  const giveUp: GiveUp = (code, cause) => {
    if (code === 'ABORTED') return new StoreError(code, 'The signal was aborted while joining.', { cause })
    return failed(question, `was not let into the cluster within ${LIMITS.joinMsMax} ms`, answers)
  }
  for (;;) {
    const said = new Map<string, Said>()
    const welcome = await within(askAll(asking, said), limits, environment, giveUp)
    if (welcome !== undefined) return welcome
    const before = answers
    answers = [...said].map(([address, { what }]) => `${address}: ${what}`).join('; ')
    finalRounds = isFinal(said) ? finalRounds + 1 : 0
    if (finalRounds === FINAL_ROUNDS) throw failed(question, 'will not be let into the cluster', answers)
    if (answers !== before) logger.info('waiting to be let into the cluster', { name: question.name, answers })
    await pauseWithin(LIMITS.joinRetryMs, limits, environment, giveUp)
  }
}

/** Undefined where nobody lets it in; `said` has why. */
async function askAll({ ask, addresses, question }: Asking, said: Map<string, Said>): Promise<Welcome | undefined> {
  let asked: readonly string[]
  try {
    asked = await addresses()
  } catch (error) {
    said.set('finding the members', silent(error))
    return undefined
  }
  if (asked.length === 0) said.set('finding the members', { what: 'there are none but this one', final: undefined })
  const bytes = encodeJoinQuestion(question)
  const asking = asked.map(async (address): Promise<Welcome> => {
    const answer = await ask(address, bytes, LIMITS.joinAnswerMsMax).then(decodeJoinAnswer).catch(silent)
    if ('type' in answer && answer.type === 'welcome') return answer
    said.set(address, 'type' in answer ? explain(answer.reason, answer.detail, question) : answer)
    throw new Error('not let in')
  })
  return Promise.any(asking).catch(() => undefined)
}

function isFinal(said: ReadonlyMap<string, Said>): boolean {
  const answers = [...said.values()].filter(({ final }) => final !== undefined)
  return answers.length > 0 && answers.every(({ final }) => final)
}

function silent(error: unknown): Said {
  return { what: error instanceof Error ? error.message : String(error), final: undefined }
}

function explain(reason: JoinRefusal, detail: string, { name, address, identity }: JoinQuestion): Said {
  switch (reason) {
    case 'unknown':
      if (identity !== undefined) return { what: `${REMOVED}, or was never added`, final: false }
      return { what: `no member is called ${quote(name)} (yet): add it with store.cluster.add()`, final: false }
    case 'removed':
      return { what: `${REMOVED}. To join as a new member it needs an empty directory`, final: true }
    case 'other-address':
      return {
        what:
          `member ${quote(name)} is to be reached at ${quote(detail)}, not at ${quote(address)}: open it with that as ` +
          '`advertise`, or tell the others the new address first, with store.cluster.update()',
        final: true,
      }
    case 'other-cluster':
      return { what: 'the directory holds the data of a member of another cluster', final: true }
    case 'first-members':
      return {
        what:
          'the members are still those of the first start, whom nobody can join: open a member that is one of them with ' +
          '`cluster`, and with `rejoin` where its directory is lost; any other is added first, with store.cluster.add()',
        // Until the first one is added.
        final: false,
      }
    case 'busy':
      return { what: 'it is asked too often just now', final: false }
    case 'version':
      return { what: 'it is of a version that does not understand the question', final: true }
    default:
      return assertNever(reason, 'refusal')
  }
}

const REMOVED = 'the member whose directory this is was removed from the cluster'

function failed({ name, address }: JoinQuestion, what: string, answers: string): StoreError {
  const said = answers === '' ? 'nobody has answered yet' : answers
  return new StoreError('JOIN_FAILED', `Member ${quote(name)} at ${quote(address)} ${what}: ${said}.`)
}
