/** elect: stands for an office until a signal comes, or tells who holds it. */
import { isStoreError } from '../../base/errors.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import { CampaignRequest, LeaderRequest, ResignRequest } from '../../etcd/generated/election.js'
import { RangeRequest, RangeResponse } from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import { simpleOptionsOf } from './keys.js'
import { waitedFor } from './lock.js'
import { checkOperands } from './operands.js'
import { print, rangePrintable } from './print/responses.js'
import { anyAborts, Session } from './session.js'

export const ELECT: CtlCommand = {
  flags: [
    { name: 'listen', short: 'l', type: 'boolean', summary: 'stands for nothing, and tells each who is elected' },
  ],
  description:
    'With a proposal: waits until it is elected, prints its key and the proposal, and leads until a signal comes,\n' +
    'with which it resigns. With --listen: prints key and proposal of whoever leads, again whenever that changes.',
  async run(context) {
    checkOperands(context, 'elect takes one election name argument and an optional proposal argument', 1, 2)
    const [name = '', proposal] = context.operands
    const listens = context.is('listen')
    if (proposal === undefined && !listens) throw badArguments('no proposal argument but -l not set')
    if (proposal !== undefined && listens) throw badArguments('proposal given but -l is set')
    const client = await context.reached()
    if (proposal === undefined) await observe(context, client, Buffer.from(name))
    else await campaign(context, client, Buffer.from(name), Buffer.from(proposal))
  },
}

async function observe(context: Context, client: EtcdClient, name: Buffer): Promise<void> {
  const signal = context.takeInterrupts()
  let seen = ''
  while (!signal.aborted) {
    try {
      for await (const { header, kv } of client.election.observe(LeaderRequest.create({ name }), { signal })) {
        const state = `${kv?.key.toString('hex')} ${kv?.mod_revision}`
        // What is told anew behind a stream that broke.
        if (kv === undefined || state === seen) continue
        seen = state
        print(context, rangePrintable(RangeResponse.create({ header, kvs: [kv] }), simpleOptionsOf(context)))
      }
      if (!signal.aborted) throw new CtlError(CTL_EXIT.failed, 'elect: observer lost')
    } catch (error) {
      if (signal.aborted) return
      if (!isStoreError(error) || error.code !== 'UNREACHABLE') throw error
      await client.waiting.pause(AGAIN_MS, signal)
    }
  }
}

async function campaign(context: Context, client: EtcdClient, name: Buffer, value: Buffer): Promise<void> {
  const interrupted = context.takeInterrupts()
  const session = await Session.open(client, TTL_SECONDS)
  try {
    const { leader } = await waitedFor(interrupted, session, (signal) => {
      const request = CampaignRequest.create({ name, lease: session.id, value })
      return client.election.campaign(request, { signal, timeoutMs: Infinity, repeatable: true })
    })
    const elected = await client.kv.range(RangeRequest.create({ key: leader?.key ?? Buffer.alloc(0) }))
    print(context, rangePrintable(elected, simpleOptionsOf(context)))
    await anyAborts(interrupted, session.ended)
    if (!interrupted.aborted) throw new CtlError(CTL_EXIT.failed, 'elect: session expired')
    await client.election.resign(ResignRequest.create({ leader }))
  } finally {
    await session.close()
  }
}

const TTL_SECONDS = 60n
const AGAIN_MS = 500
