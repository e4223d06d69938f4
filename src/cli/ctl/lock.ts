/** lock: holds a lock until a signal comes, or while a program runs. */
import { LockRequest, UnlockRequest } from '../../etcd/generated/lock.js'
import { RangeRequest } from '../../etcd/generated/rpc.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import { simpleOptionsOf } from './keys.js'
import { print, rangePrintable } from './print/responses.js'
import { runProgram } from './program.js'
import { anyAborts, Session } from './session.js'

export const LOCK: CtlCommand = {
  flags: [
    { name: 'ttl', type: 'integer', fallback: '10', summary: 'seconds after which it is free when the holder is gone' },
  ],
  description:
    'Prints the key of the lock once it is held, and holds it until a signal comes (SIGINT, SIGTERM, SIGHUP);\n' +
    'or runs PROGRAM, which finds the key and its revision in ETCD_LOCK_KEY and ETCD_LOCK_REV, and ends with its\n' +
    'exit code. Words of PROGRAM that begin with a dash stand behind --: quorate lock NAME -- make -j4',
  async run(context) {
    const [name, ...program] = context.operands
    if (name === undefined) throw badArguments('lock takes a lock name argument and an optional command to execute')
    const ttlSeconds = context.integer('ttl')
    const client = await context.reached()
    const interrupted = context.takeInterrupts()
    const session = await Session.open(client, ttlSeconds)
    try {
      await holding(context, { client, session, interrupted, name, program })
    } finally {
      await session.close()
    }
  },
}

interface Holding {
  readonly client: EtcdClient
  readonly session: Session
  readonly interrupted: AbortSignal
  readonly name: string
  readonly program: readonly string[]
}

async function holding(context: Context, { client, session, interrupted, name, program }: Holding): Promise<void> {
  const { key, header } = await waitedFor(interrupted, session, (signal) => {
    const request = LockRequest.create({ name: Buffer.from(name), lease: session.id })
    // The same lease takes the same lock once, however often it asks.
    return client.lock.lock(request, { signal, timeoutMs: Infinity, repeatable: true })
  })
  if (program.length > 0) {
    const { exitCode, failure } = await runProgram(program, {
      ...context.terminal.variables,
      ETCD_LOCK_KEY: key.toString('utf8'),
      ETCD_LOCK_REV: String(header?.revision ?? 0n),
    })
    await client.lock.unlock(UnlockRequest.create({ key }))
    if (failure !== undefined) throw new CtlError(exitCode, failure)
    return
  }
  const held = await client.kv.range(RangeRequest.create({ key }))
  if (held.kvs.length === 0) throw new CtlError(CTL_EXIT.failed, 'lock lost on init')
  print(context, rangePrintable(held, simpleOptionsOf(context)))
  await anyAborts(interrupted, session.ended)
  if (!interrupted.aborted) throw new CtlError(CTL_EXIT.failed, 'session expired')
  await client.lock.unlock(UnlockRequest.create({ key }))
}

/** What is waited for as long as the session is there, and nobody wants an end. */
export async function waitedFor<T>(
  interrupted: AbortSignal,
  { ended }: Session,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await wait(AbortSignal.any([interrupted, ended]))
  } catch (error) {
    if (interrupted.aborted) throw new CtlError(CTL_EXIT.failed, 'context canceled')
    if (ended.aborted) throw new CtlError(CTL_EXIT.failed, 'session expired')
    throw error
  }
}
