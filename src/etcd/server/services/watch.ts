/**
 * etcd's Watch service: one stream carries many watches, each known by an id.
 *
 * watch-stream.ts has the life of a stream, watch-request.ts what a client asks for, watch-response.ts what it is told,
 * watch-turns.ts how much of it is in memory, watch-progress.ts how far all watches of a stream have come.
 */
import type { WatchService } from '../../generated/rpc.js'
import type { Face } from '../face.js'
import type { Service } from '../service.js'
import { WatchStream } from './watch-stream.js'

export function watchService(face: Face): Service<typeof WatchService> {
  return { watch: (requests, call) => new WatchStream(face, call).run(requests) }
}
