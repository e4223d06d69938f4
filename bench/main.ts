/**
 * The benchmarks: `npm run bench` for the store, `npm run bench -- raft` for the consensus core alone,
 * `npm run bench -- checker` for the linearizability checker, `npm run bench -- sim` for the simulated world,
 * `npm run bench -- mvcc` for the data model with a million keys, `npm run bench -- durability` for one member on disk
 * beside bare classic-level, `npm run bench -- transports` for frames between members, `npm run bench -- locks` for locks beside the etcd3 client,
 * `npm run bench -- grpc` for etcd's API beside a real etcd. What the figures mean: bench/README.md.
 */
const BENCHMARKS: Readonly<Record<string, () => Promise<unknown>>> = {
  store: () => import('./store.js'),
  raft: () => import('./raft.js'),
  checker: () => import('./checker.js'),
  sim: () => import('./sim.js'),
  mvcc: () => import('./mvcc.js'),
  durability: () => import('./durability.js'),
  transports: () => import('./transports.js'),
  locks: () => import('./locks.js'),
  grpc: () => import('./grpc.js'),
}

const [name = 'store'] = process.argv.slice(2)
const run = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined
if (run === undefined) {
  console.error(`there is no benchmark "${name}"; there are: ${Object.keys(BENCHMARKS).join(', ')}`)
  process.exitCode = 2
} else {
  await run()
}
