/**
 * A body gathered up to a bound, from whichever side of HTTP.
 *
 * Always: an announced length over the bound is refused before a byte is kept, and never is more kept than the bound.
 */
import type { IncomingMessage } from 'node:http'
import { StoreError } from '../base/errors.js'

/** Rejects with `FRAME_TOO_LARGE`, and with what broke the connection. Whoever waits sets the deadline: it destroys the message. */
export function readBody(message: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): void =>
      reject(new StoreError('FRAME_TOO_LARGE', `A body of more than ${bytesMax} bytes came.`))
    if (Number(message.headers['content-length'] ?? 0) > bytesMax) return tooLarge()
    const chunks: Uint8Array[] = []
    let bytes = 0
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes > bytesMax) {
        message.pause()
        chunks.length = 0
        tooLarge()
      } else chunks.push(chunk)
    })
    message.on('end', () => resolve(Buffer.concat(chunks)))
    message.on('error', reject)
    message.on('close', () => reject(new Error('The connection was closed before all of it came.')))
  })
}
