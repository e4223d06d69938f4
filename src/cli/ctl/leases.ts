/** lease grant, revoke, timetolive, list and keep-alive. */
import {
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  type LeaseKeepAliveResponse,
  type LeaseTimeToLiveResponse,
  type ResponseHeader,
} from '../../etcd/generated/rpc.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import { keepAlive } from './keep-alive.js'
import { leaseIdOf, leaseIdText } from './lease-id.js'
import { asEnd, checkOperands } from './operands.js'
import { headerFields } from './print/fields.js'
import { goJson } from './print/go-json.js'
import { print, type Printable } from './print/responses.js'

const BAD_ID = 'bad lease ID arg'

export const LEASE_GRANT: CtlCommand = {
  async run(context) {
    checkOperands(context, 'lease grant command needs TTL argument', 1)
    const [given = ''] = context.operands
    if (!/^-?\d{1,18}$/.test(given))
      throw badArguments(`bad TTL (strconv.ParseInt: parsing "${given}": invalid syntax)`)
    const client = await context.client()
    const granting = client.lease.leaseGrant(LeaseGrantRequest.create({ TTL: BigInt(given) }))
    const { header, ID, TTL, error } = await asEnd(
      granting,
      CTL_EXIT.failed,
      (text) => `failed to grant lease (${text})`,
    )
    print(context, {
      json: () =>
        flat(header, [
          ['ID', String(ID)],
          ['TTL', String(TTL)],
          ['Error', JSON.stringify(error)],
        ]),
      simple: () => `lease ${leaseIdText(ID)} granted with TTL(${TTL}s)\n`,
      fields: () => [...headerFields(header), ['ID', ID], ['TTL', TTL]],
    })
  },
}

export const LEASE_REVOKE: CtlCommand = {
  async run(context) {
    checkOperands(context, 'lease revoke command needs 1 argument', 1)
    const id = leaseIdOf(context.operands[0] ?? '', BAD_ID)
    const client = await context.client()
    const revoking = client.lease.leaseRevoke(LeaseRevokeRequest.create({ ID: id }))
    const message = await asEnd(revoking, CTL_EXIT.failed, (text) => `failed to revoke lease (${text})`)
    print(context, {
      message,
      simple: () => `lease ${leaseIdText(id)} revoked\n`,
      fields: () => headerFields(message.header),
    })
  },
}

export const LEASE_TIMETOLIVE: CtlCommand = {
  flags: [{ name: 'keys', type: 'boolean', summary: 'tells the keys that hang on it, too' }],
  async run(context) {
    checkOperands(context, 'lease timetolive command needs lease ID as argument', 1)
    const keys = context.is('keys')
    const request = LeaseTimeToLiveRequest.create({ ID: leaseIdOf(context.operands[0] ?? '', BAD_ID), keys })
    const client = await context.client()
    const response = await asEnd(client.lease.leaseTimeToLive(request), CTL_EXIT.notConnected)
    print(context, timeToLivePrintable(response, keys))
  },
}

function timeToLivePrintable(response: LeaseTimeToLiveResponse, withKeys: boolean): Printable {
  const { header, ID, TTL, grantedTTL, keys } = response
  const encoded = keys.map((key) => `"${key.toString('base64')}"`)
  const attached = withKeys ? `, attached keys([${keys.map((key) => key.toString('utf8')).join(' ')}])` : ''
  const isGone = grantedTTL === 0n && TTL === -1n
  return {
    json: () =>
      flat(header, [
        ['id', String(ID)],
        ['ttl', String(TTL)],
        ['granted-ttl', String(grantedTTL)],
        ['keys', keys.length === 0 ? 'null' : `[${encoded.join(',')}]`],
      ]),
    simple: () =>
      isGone
        ? `lease ${leaseIdText(ID)} already expired\n`
        : `lease ${leaseIdText(ID)} granted with TTL(${grantedTTL}s), remaining(${TTL}s)${attached}\n`,
    fields: () => [
      ...headerFields(header),
      ['ID', ID],
      ['TTL', TTL],
      ['GrantedTTL', grantedTTL],
      ...keys.map((key) => ['Key', key] as const),
    ],
  }
}

export const LEASE_LIST: CtlCommand = {
  async run(context) {
    checkOperands(context, 'lease list command accepts no arguments', 0)
    const client = await context.client()
    const { header, leases } = await asEnd(client.lease.leaseLeases({}), CTL_EXIT.notConnected)
    print(context, {
      json: () => flat(header, [['leases', `[${leases.map(({ ID }) => `{"id":${ID}}`).join(',')}]`]]),
      simple: () => [`found ${leases.length} leases`, ...leases.map(({ ID }) => leaseIdText(ID)), ''].join('\n'),
      fields: () => [...headerFields(header), ...leases.map(({ ID }) => ['ID', ID] as const)],
    })
  },
}

export const LEASE_KEEP_ALIVE: CtlCommand = {
  flags: [{ name: 'once', type: 'boolean', summary: 'renews it once, and ends' }],
  async run(context) {
    checkOperands(context, 'lease keep-alive command needs lease ID as argument', 1)
    const id = leaseIdOf(context.operands[0] ?? '', BAD_ID)
    const client = await context.client()
    if (context.is('once')) {
      const response = await asEnd(client.keepAlive(LeaseKeepAliveRequest.create({ ID: id })), CTL_EXIT.notConnected)
      if (response.TTL <= 0n) throw badLease()
      print(context, keptAlive(response))
      return
    }
    const interrupted = context.takeInterrupts()
    await keepAlive(client, id, interrupted, (response) => {
      print(context, keptAlive(response))
    })
    if (interrupted.aborted) context.endInterrupted()
    if (context.format === 'simple') context.line(`lease ${leaseIdText(id)} expired or revoked.`)
  },
}

function badLease(): CtlError {
  return new CtlError(CTL_EXIT.notConnected, 'etcdserver: requested lease not found')
}

function keptAlive({ header, ID, TTL }: LeaseKeepAliveResponse): Printable {
  return {
    json: () =>
      flat(header, [
        ['ID', String(ID)],
        ['TTL', String(TTL)],
      ]),
    simple: () => `lease ${leaseIdText(ID)} keepalived with TTL(${TTL})\n`,
    fields: () => [...headerFields(header), ['ID', ID], ['TTL', TTL]],
  }
}

/** As etcdctl writes what its client made of a response: the header's fields beside the others. */
function flat(header: ResponseHeader | undefined, fields: readonly (readonly [name: string, json: string])[]): string {
  const inner = header === undefined ? '' : goJson(header).slice(1, -1)
  const rest = fields.map(([name, json]) => `"${name}":${json}`)
  return `{${[...(inner === '' ? [] : [inner]), ...rest].join(',')}}`
}
