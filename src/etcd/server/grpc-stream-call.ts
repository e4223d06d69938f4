/**
 * How the responses of a stream get to its connection: several at a time.
 *
 * By itself grpc-js hands over a response when the one before has left: each takes a turn of the event loop and a write to the
 * socket of its own. Here they are handed over as they come, and what came in one turn leaves in one write.
 *
 * Always: no more than LIMITS.etcdStreamWritingBytesMax are on their way to a client that does not take them.
 */
import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'
import { LIMITS } from '../../base/limits.js'

class StreamCall extends ServerInterceptingCall {
  #writingBytes = 0
  #held: (() => void) | undefined

  /** `taken` asks for the next one, which never comes before. Of a stream that has ended it is not called. */
  override sendMessage(response: Buffer, taken: () => void): void {
    const { length } = response
    this.#writingBytes += length
    super.sendMessage(response, () => {
      this.#writingBytes -= length
      this.#goOn()
    })
    this.#held = taken
    this.#goOn()
  }

  #goOn(): void {
    if (this.#writingBytes > LIMITS.etcdStreamWritingBytesMax) return
    const held = this.#held
    this.#held = undefined
    held?.()
  }
}

/** Unary calls go their way as they are: they have one response. */
export const handOverAtOnce: ServerInterceptor = ({ responseStream }, call) => {
  return responseStream ? new StreamCall(call) : (call as ServerInterceptingCall)
}
