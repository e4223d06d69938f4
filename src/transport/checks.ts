/** What every transport refuses from its caller: mistakes in our own code, so `RangeError`. */
import { LIMITS } from '../base/limits.js'
import type { Frame, TransportIdentity } from './transport.js'

/** Silently dropped, a frame that is too long would be sent again forever: so it is an error where it is sent. */
export function checkFrame(frame: Frame, frameBytesMax: number = LIMITS.frameBytesMax): void {
  if (!Number.isInteger(frame.kind) || frame.kind < 0 || frame.kind > 255) {
    throw new RangeError(`The kind of a frame is 0 to 255, not ${frame.kind}`)
  }
  if (frame.bytes.byteLength > frameBytesMax) {
    throw new RangeError(`A frame holds at most ${frameBytesMax} bytes, not ${frame.bytes.byteLength}`)
  }
}

export function checkIdentity(identity: TransportIdentity): void {
  for (const name of ['clusterId', 'memberId'] as const) {
    const id = identity[name]
    if (!Number.isSafeInteger(id) || id <= 0) throw new RangeError(`${name} is a positive safe integer, not ${id}`)
  }
}
