/** move-leader, defrag, alarm list and alarm disarm. */
import {
  AlarmRequest,
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmResponse,
  AlarmType,
  MoveLeaderRequest,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import { askEach, CLUSTER, endpointsOf } from './endpoints.js'
import { errorText } from './error-text.js'
import { memberIdText } from './member-id.js'
import { checkOperands } from './operands.js'
import { BLANK, headerFields } from './print/fields.js'
import { print } from './print/responses.js'
import { tookText } from './print/units.js'

export const MOVE_LEADER: CtlCommand = {
  description: 'The member that leads has to be among --endpoints.',
  async run(context) {
    checkOperands(context, 'move-leader command needs 1 argument', 1)
    const [given = ''] = context.operands
    if (!/^[0-9a-f]{1,16}$/i.test(given)) throw badArguments(`strconv.ParseUint: parsing "${given}": invalid syntax`)
    const target = BigInt(`0x${given}`)
    const endpoints = context.list('endpoints')
    const answers = await askEach(context, endpoints, async (client) => {
      const { header, leader } = await client.maintenance.status({})
      return { client, leader, leads: leader !== 0n && header?.member_id === leader }
    })
    const found = answers.find((answer) => 'value' in answer && answer.value.leads)
    if (found === undefined || !('value' in found)) {
      const failed = answers.find((answer) => 'error' in answer)
      if (failed !== undefined) throw failed.error
      throw badArguments(`no leader endpoint given at [${endpoints.join(' ')}]`)
    }
    const { client, leader } = found.value
    const message = await client.maintenance.moveLeader(MoveLeaderRequest.create({ targetID: target }))
    print(context, {
      message,
      simple: () => `Leadership transferred from ${memberIdText(leader)} to ${memberIdText(target)}\n`,
      fields: () => headerFields(message.header),
    })
  },
}

export const DEFRAG: CtlCommand = {
  flags: [CLUSTER],
  description: 'One member after the other. Each is as slow meanwhile as its storage makes it.',
  async run(context) {
    const { clock } = context.environment
    let failures = 0
    for (const endpoint of await endpointsOf(context)) {
      const startMs = clock.monotonicMs()
      const took = (): string => `took ${tookText(clock.monotonicMs() - startMs)}`
      try {
        await (await context.clientOf([endpoint])).maintenance.defragment({})
        context.line(`Finished defragmenting etcd member[${endpoint}]. ${took()}`)
      } catch (error) {
        failures++
        context.terminal.err(`Failed to defragment etcd member[${endpoint}]. ${took()}. (${errorText(error)})\n`)
      }
    }
    if (failures > 0) throw new CtlError(CTL_EXIT.failed)
  },
}

export const ALARM_LIST: CtlCommand = {
  async run(context) {
    checkOperands(context, 'alarm list command accepts no arguments', 0)
    printAlarms(context, await (await context.client()).maintenance.alarm(AlarmRequest.create({})))
  },
}

export const ALARM_DISARM: CtlCommand = {
  async run(context) {
    checkOperands(context, 'alarm disarm command accepts no arguments', 0)
    const { maintenance } = await context.client()
    const { header, alarms } = await maintenance.alarm(AlarmRequest.create({}))
    const disarmed = AlarmResponse.create({ header, alarms: [] })
    for (const { memberID, alarm } of alarms) {
      const request = AlarmRequest.create({ action: AlarmAction.DEACTIVATE, memberID, alarm })
      const response = await maintenance.alarm(request)
      disarmed.header = response.header
      disarmed.alarms.push(...response.alarms)
    }
    printAlarms(context, disarmed)
  },
}

function printAlarms(context: Context, message: AlarmResponse): void {
  const { header, alarms } = message
  print(context, {
    message,
    simple: () => alarms.map(({ memberID, alarm }) => `memberID:${memberID} alarm:${AlarmType[alarm]} \n`).join(''),
    fields: () => [
      ...headerFields(header),
      ...alarms.flatMap(
        ({ memberID, alarm }) => [['MemberID', memberID], ['AlarmType', { word: AlarmType[alarm] }], BLANK] as const,
      ),
    ],
  })
}
