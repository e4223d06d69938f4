/** Elections: one leads, everybody knows who, and the last leader is never missed. */
import { put } from '../../api/operations.js'
import { isStoreError } from '../../base/errors.js'
import { Election } from '../../recipes/election/election.js'
import { check, equal, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'
import { abortOf, settledOf, until } from './waiting.js'

const NAME = 'elections/one'

export const elections: StoreTests = {
  'one leads after the other, each with a larger token, and everybody sees who': async (store) => {
    const observer = new AbortController()
    const seen = new Election(store, NAME).observe({ signal: observer.signal })[Symbol.asyncIterator]()
    const leaderSeen = async (): Promise<string | undefined> => {
      const next = await seen.next()
      return next.done === true ? 'the end' : next.value?.text()
    }
    equal(await leaderSeen(), undefined, 'the leader before there is one')
    const first = await new Election(store, NAME).campaign('first')
    equal(await leaderSeen(), 'first', 'the leader that is seen')
    const campaign = new Election(store, NAME).campaign('second')
    const elected = settledOf(campaign)
    await until(store, async () => (await new Election(store, NAME).candidates()).length === 2)
    await first.proclaim('first, still')
    equal(await leaderSeen(), 'first, still', 'what the leader proclaims')
    equal((await new Election(store, NAME).leader())?.text(), 'first, still', 'the leader')
    equal(elected(), false, 'a second leader')
    await first.resign()
    const second = await campaign
    check(second.token > first.token, `token ${second.token} after ${first.token}`)
    await until(store, async () => (await leaderSeen()) === 'second')
    observer.abort()
    equal((await seen.next()).done, true, 'the end of what is observed')
    await second.resign()
    equal(await new Election(store, NAME).leader(), undefined, 'the leader afterwards')
  },

  'whoever begins to observe sees the present leader first': async (store) => {
    const leadership = await new Election(store, NAME).campaign('leads')
    for await (const leader of new Election(store, NAME).observe()) {
      equal(leader?.text(), 'leads', 'the leader that is seen')
      break
    }
    await leadership.resign()
  },

  'of those who wait, the one with the highest priority leads next': async (store) => {
    const candidates = async (): Promise<number> => (await new Election(store, NAME).candidates()).length
    const first = await new Election(store, NAME).campaign('first', { priority: 1 })
    const led: number[] = []
    let last = first.token
    const campaigns: Promise<void>[] = []
    for (const priority of [3, 9, 5]) {
      const before = await candidates()
      const campaign = new Election(store, NAME).campaign(`${priority}`, { priority })
      const lead = async (): Promise<void> => {
        const leadership = await campaign
        led.push(priority)
        check(leadership.token > last, `token ${leadership.token} after ${last}`)
        last = leadership.token
        await leadership.resign()
      }
      campaigns.push(lead())
      await until(store, async () => (await candidates()) === before + 1)
    }
    await first.resign()
    await Promise.all(campaigns)
    equal(led, [9, 5, 3], 'who led, one after the other')
  },

  'a leader proves that it leads, by the revision at which it was seen': async (store) => {
    const leadership = await new Election(store, NAME).campaign('leads')
    const { revision } = await store.put('other', 'x')
    const proof = await leadership.isLeader()
    check(proof.leads && proof.revision >= revision, `it proves ${JSON.stringify(proof)}, the store was at ${revision}`)
    await store.delete(leadership.key)
    equal(await leadership.isLeader(), { leads: false }, 'the proof of one whose key is gone')
    equal(leadership.signal.aborted, true, 'its signal')
  },

  'work that goes on while it leads is stopped when it does not any more, and begun again': async (store) => {
    const runs: number[] = []
    const result = await new Election(store, NAME).leaderWhile(async (leadership) => {
      runs.push(leadership.token)
      if (runs.length === 2) return 'done'
      await store.delete(leadership.key)
      await abortOf(leadership.signal)
      return 'too late'
    })
    equal(result, 'done', 'what came of it')
    check(Number(runs[1]) > Number(runs[0]), `it led with ${runs.join(' and then ')}`)
    equal(await new Election(store, NAME).leader(), undefined, 'the leader afterwards')
  },

  'a leader whose key is gone is told, and can neither write nor proclaim': async (store) => {
    const leadership = await new Election(store, NAME).campaign('leads')
    await store.delete(leadership.key)
    const { succeeded } = await store.txn(leadership.guard({ success: [put('done', 'late')] }))
    equal(succeeded, false, 'a guarded write afterwards')
    const reason = await abortOf(leadership.signal)
    check(isStoreError(reason, 'LOCK_LOST'), `the signal aborted with ${String(reason)}`)
    await rejectsWith('LOCK_LOST', () => leadership.proclaim('still'), 'a proclamation')
    const next = await new Election(store, NAME).campaign('next')
    check(next.token > leadership.token, `token ${next.token} after ${leadership.token}`)
    await next.resign()
  },
}
