/**
 * A cluster of three in the threads of one process, over a transport of one's own: message-port-transport.ts.
 *
 *     npx tsx examples/08-message-port/start.ts
 */
import { Worker } from 'node:worker_threads'
import { portsBetween } from './ports.js'

// Of a program in JavaScript the file itself would be given: tsx is not there by itself in a thread.
const member = JSON.stringify(new URL('member.ts', import.meta.url))
const program = `import('tsx/esm/api').then(({ register }) => (register(), import(${member})))`

const threads = portsBetween(['a', 'b', 'c']).map(
  (ends) => new Worker(program, { eval: true, workerData: ends, transferList: [...ends.to.values()] }),
)

let seen = 0
for (const thread of threads) {
  thread.on('message', (line: string) => {
    console.log(line)
    // Each of three sees each of three.
    if (++seen === 9) void Promise.all(threads.map((each) => each.terminate()))
  })
}
