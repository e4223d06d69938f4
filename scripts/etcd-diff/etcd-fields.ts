/** Fields of etcd's messages, from and to plain values. */
import type { Message } from './etcd-client.js'
import type { Bytes } from './operation.js'

export function buffer(bytes: Bytes): Buffer {
  return Buffer.from(bytes, 'latin1')
}

export function bytesOf(buffer: Buffer): Bytes {
  return buffer.toString('latin1')
}

/** Without a range end where there is none: one of no bytes that is there all the same means "without end" to etcd. */
export function rangeFields(key: Bytes, rangeEnd: Bytes): Message {
  return rangeEnd === '' ? { key: buffer(key) } : { key: buffer(key), rangeEnd: buffer(rangeEnd) }
}

export function revisionOf(body: Message): number {
  return Number((body['header'] as Message)['revision'])
}
