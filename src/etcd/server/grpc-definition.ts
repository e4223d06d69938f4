/**
 * What grpc-js is told of a method: that it hands over a request with its size, and takes responses as bytes.
 *
 * Always: a request that is too large, or has too much in it, is no error of reading it: its client is told so, and nothing is made of it.
 */
import type { MethodDefinition } from '@grpc/grpc-js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import type { ObservedCall } from './call-observer.js'
import { tooMuch } from './message-scan.js'
import type { Settings } from './options.js'
import type { ServedMethod } from './services.js'

/** A request as it came in. */
export class Received {
  readonly bytes: number
  readonly #request: unknown

  constructor(request: unknown, bytes: number) {
    this.#request = request
    this.bytes = bytes
  }

  /** Throws `REQUEST_TOO_LARGE`. */
  open(observed: ObservedCall): unknown {
    observed.received(this.bytes)
    if (this.#request instanceof StoreError) throw this.#request
    return this.#request
  }
}

function tooLarge(bytes: number, bytesMax: number): StoreError {
  return new StoreError('REQUEST_TOO_LARGE', `The request has ${bytes} bytes; at most ${bytesMax} are allowed.`)
}

export function grpcDefinitionOf(
  { type, definition }: ServedMethod,
  { requestBytesMax, transactionOperationsMax }: Pick<Settings, 'requestBytesMax' | 'transactionOperationsMax'>,
): MethodDefinition<Received, Buffer> {
  const { path, requestStream, responseStream, requestDeserialize } = definition
  const bytesMax = type === 'duplex' ? LIMITS.etcdStreamRequestBytesMax : requestBytesMax
  return {
    path,
    requestStream,
    responseStream,
    requestDeserialize: (bytes) => {
      const refusal =
        bytes.length > bytesMax ? tooLarge(bytes.length, bytesMax) : tooMuch(path, bytes, transactionOperationsMax)
      return new Received(refusal ?? requestDeserialize(bytes), bytes.length)
    },
    responseSerialize: (bytes) => bytes,
    // Of clients only, yet asked for.
    requestSerialize: notHere,
    responseDeserialize: notHere,
  }
}

function notHere(): never {
  throw new TypeError('A server neither serializes requests nor reads responses.')
}
