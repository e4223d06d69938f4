/** The span of something that is waited for and then held, for whoever traces locks and elections (base/spans.ts). */
import { fail, type HoldSpan, type SpanChannel } from '../../base/spans.js'
import type { Hold } from './hold.js'

/** Makes the call that waits. While nobody listens that is all. */
export function tracedHold<Held extends Hold | undefined>(
  channel: SpanChannel<HoldSpan> | undefined,
  name: string,
  contend: () => Promise<Held>,
): Promise<Held> {
  return channel?.hasSubscribers === true ? trace(channel, { name, state: 'waiting' }, contend) : contend()
}

async function trace<Held extends Hold | undefined>(
  channel: SpanChannel<HoldSpan>,
  span: HoldSpan,
  contend: () => Promise<Held>,
): Promise<Held> {
  let held: Held
  try {
    held = await channel.run(span, contend)
  } catch (error) {
    span.state = 'given-up'
    fail(channel, span, error)
    channel.asyncStart(span)
    channel.asyncEnd(span)
    throw error
  }
  if (held !== undefined) follow(channel, span, held)
  else {
    // It was asked whether it is free, and was not.
    span.state = 'given-up'
    channel.asyncStart(span)
    channel.asyncEnd(span)
  }
  return held
}

function follow(channel: SpanChannel<HoldSpan>, span: HoldSpan, held: Hold): void {
  span.state = 'held'
  span.token = held.token
  channel.asyncStart(span)
  held.onOver((lost) => {
    span.state = lost === undefined ? 'released' : 'lost'
    if (lost !== undefined) fail(channel, span, lost)
    channel.asyncEnd(span)
  })
}
