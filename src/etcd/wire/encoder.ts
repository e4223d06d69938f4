/**
 * Makes the bytes of messages, one after the other, in a piece of memory that is kept: growing a new one for each message
 * takes longer than writing a small message does.
 *
 * Always: what it gives is a copy that nobody else has.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { asBuffer } from '../../base/bytes.js'
import { LIMITS } from '../../base/limits.js'

/** What the generated code knows of a message. */
export interface MessageType<Message> {
  encode(message: Message, writer: BinaryWriter): BinaryWriter
}

export class Encoder {
  #writer = new BinaryWriter()

  encode<Message>(type: MessageType<Message>, message: Message): Buffer {
    let bytes
    try {
      bytes = type.encode(message, this.#writer).finish()
    } catch (error) {
      // With what it has of the message that failed.
      this.#writer = new BinaryWriter()
      throw error
    }
    if (bytes.length > LIMITS.etcdEncoderKeptBytesMax) this.#writer = new BinaryWriter()
    return asBuffer(bytes)
  }
}
