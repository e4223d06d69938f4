/** Flags about this member: who it is, where it listens, how large what it holds may become. */
import { boolean, choice, duration, file, integer, noEffect, onceExperimental, refused, text, urls } from '../flag.js'

const ONE_STORE = 'log and state are LevelDB databases, which have no such setting'
const NO_WAL = 'the log is bounded by bytes, and trimmed behind the state that is on disk'

export const MEMBER_FLAGS = {
  name: text('default', 'Name of this member, which no other one has.'),
  'data-dir': file("Directory of this member's data; `<name>.etcd` where none is given."),
  'wal-dir': file(
    'A directory of its own for the log.',
    refused('log and state lie in one directory here: put --data-dir on the faster disk'),
  ),
  'snapshot-count': integer(10_000, 'Entries between two snapshots of the state.', noEffect(NO_WAL)),
  'heartbeat-interval': integer(100, "Milliseconds between a leader's heartbeats.", undefined, 1),
  'election-timeout': integer(
    1000,
    'Milliseconds without a leader after which a member stands for election: at least five heartbeats, at most 50,000.',
    undefined,
    1,
  ),
  'initial-election-tick-advance': boolean(
    true,
    'Whether the first election comes sooner.',
    noEffect('a member that has just started waits a whole election timeout, so that it deposes nobody'),
  ),
  'listen-peer-urls': urls('http://localhost:2380', 'Where other members reach this process: one URL.'),
  'listen-client-urls': urls('http://localhost:2379', 'Where clients reach this process, by gRPC and HTTP.'),
  'listen-client-http-urls': urls(
    '',
    'Where clients reach HTTP besides. Here all client URLs take both, gRPC and HTTP.',
  ),
  'max-snapshots': integer(5, 'Snapshot files that are kept.', noEffect('there is one state, and no files beside it')),
  'max-wals': integer(5, 'Files of the log that are kept.', noEffect(NO_WAL)),
  'memory-mlock': onceExperimental(
    boolean(
      false,
      'Whether the database is kept from being swapped out.',
      noEffect('Node cannot lock memory: limit swapping for the process instead'),
    ),
  ),
  'quota-backend-bytes': integer(
    0,
    'Bytes of data at which writes are refused; 0: 2 GiB, less than 0: no quota.',
    undefined,
    -Infinity,
  ),
  'backend-bbolt-freelist-type': onceExperimental(
    choice(['array', 'map'], 'map', 'How bbolt notes its free pages.', noEffect(ONE_STORE)),
  ),
  'backend-batch-interval': duration('0', 'Time after which bbolt commits.', noEffect(ONE_STORE)),
  'backend-batch-limit': integer(0, 'Operations after which bbolt commits.', noEffect(ONE_STORE)),
  'max-txn-ops': integer(128, 'Operations in one branch of a transaction.', undefined, 1),
  'max-request-bytes': integer(1_572_864, 'Bytes of one request of a client.', undefined, 1),
  'max-concurrent-streams': integer(4_294_967_295, 'Streams of one client connection at the same time.', undefined, 1),
  'grpc-keepalive-min-time': duration(
    '5s',
    'How often a client may ping at most.',
    noEffect('pings are answered however often they come'),
  ),
  'grpc-keepalive-interval': duration('2h', 'Time between two pings to a client; 0: none.'),
  'grpc-keepalive-timeout': duration('20s', 'Time that a client may take to answer a ping before it is given up.'),
  'socket-reuse-port': boolean(
    false,
    'Whether several processes may listen on one port.',
    refused('two members on one port would take calls from each other'),
  ),
  'socket-reuse-address': boolean(
    false,
    'Whether a port may be listened on again at once.',
    noEffect('Node always listens that way'),
  ),
  'enable-grpc-gateway': boolean(true, 'Whether the JSON gateway under /v3/ is there.'),
  'raft-read-timeout': duration(
    '5s',
    'Time that a connection between members may be silent.',
    noEffect('connections between members have limits of their own, in docs/LIMITS.md'),
  ),
  'raft-write-timeout': duration(
    '5s',
    'Time that a write to another member may take.',
    noEffect('connections between members have limits of their own, in docs/LIMITS.md'),
  ),
  'feature-gates': text('', 'Features by name, `A=true,B=false`.'),
} as const
