/** The one file that touches typed-emitter: its default export cannot be used as a type under nodenext (its issue 39). */
import type * as TypedEmitter from 'typed-emitter'

export type Emitter<Events extends TypedEmitter.EventMap> = TypedEmitter.default<Events>
