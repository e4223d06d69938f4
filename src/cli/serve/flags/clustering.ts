/** Flags about the cluster that this member is of: how it begins, and how it is found. */
import { boolean, choice, duration, file, integer, list, noEffect, refused, text, urls } from '../flag.js'

const NO_DISCOVERY = refused(
  'discovery by another etcd is not there: name the members in --initial-cluster, or use --discovery-srv',
)
const OF_DISCOVERY = noEffect('it belongs to --discovery-token and --discovery-endpoints, which are not there')

export const CLUSTERING_FLAGS = {
  'initial-advertise-peer-urls': urls(
    'http://localhost:2380',
    'Where the other members reach this one, as in --initial-cluster: one URL.',
  ),
  'initial-cluster': list(
    'default=http://localhost:2380',
    'The members that the cluster begins with, `name=url,...`; of one that is added to it, those that are there.',
  ),
  'initial-cluster-state': choice(
    ['new', 'existing'],
    'new',
    'Whether the cluster begins with this member, or it was added to one that is there. Counts while the directory is empty.',
  ),
  'initial-cluster-token': text('etcd-cluster', 'Tells clusters of equal names apart.'),
  'advertise-client-urls': urls('http://localhost:2379', 'Where clients reach this member, as it tells them.'),
  discovery: text('', 'URL of the discovery service of etcd v2.', NO_DISCOVERY),
  'discovery-token': text('', 'Token of a cluster that is found by another etcd.', NO_DISCOVERY),
  'discovery-endpoints': list('', 'Where that other etcd is.', NO_DISCOVERY),
  'discovery-dial-timeout': duration('2s', 'Of that other etcd.', OF_DISCOVERY),
  'discovery-request-timeout': duration('5s', 'Of that other etcd.', OF_DISCOVERY),
  'discovery-keepalive-time': duration('2s', 'Of that other etcd.', OF_DISCOVERY),
  'discovery-keepalive-timeout': duration('6s', 'Of that other etcd.', OF_DISCOVERY),
  'discovery-insecure-transport': boolean(true, 'Of that other etcd.', OF_DISCOVERY),
  'discovery-insecure-skip-tls-verify': boolean(false, 'Of that other etcd.', OF_DISCOVERY),
  'discovery-cert': file('Of that other etcd.', OF_DISCOVERY),
  'discovery-key': file('Of that other etcd.', OF_DISCOVERY),
  'discovery-cacert': file('Of that other etcd.', OF_DISCOVERY),
  'discovery-user': text('', 'Of that other etcd.', OF_DISCOVERY),
  'discovery-password': text('', 'Of that other etcd.', OF_DISCOVERY),
  'discovery-fallback': choice(['exit', 'proxy'], 'exit', 'What to do where discovery fails.', OF_DISCOVERY),
  'discovery-proxy': text('', 'HTTP proxy towards the discovery service.', OF_DISCOVERY),
  'discovery-srv': text('', 'Domain whose SRV records name the first members.'),
  'discovery-srv-name': text('', 'Suffix of the service in those records: `_etcd-server-<suffix>._tcp`.'),
  proxy: choice(['off', 'on', 'readonly'], 'off', 'Proxy of etcd v2.', refused('there is no proxy')),
  'proxy-failure-wait': integer(5000, 'Of the proxy.', noEffect('there is no proxy')),
  'proxy-refresh-interval': integer(30_000, 'Of the proxy.', noEffect('there is no proxy')),
  'proxy-dial-timeout': integer(1000, 'Of the proxy.', noEffect('there is no proxy')),
  'proxy-write-timeout': integer(5000, 'Of the proxy.', noEffect('there is no proxy')),
  'proxy-read-timeout': integer(0, 'Of the proxy.', noEffect('there is no proxy')),
  'strict-reconfig-check': boolean(
    true,
    'Whether changes of members are refused that would cost the quorum.',
    noEffect('a change that would cost the quorum is always refused'),
  ),
  'pre-vote': boolean(
    true,
    'Whether a member asks before it stands for election, so that one that was away deposes nobody.',
    noEffect('members always ask before they stand for election'),
  ),
  'auto-compaction-retention': text('0', 'How much history is kept: `5m`, `1h`, hours without a unit, or revisions.'),
  'auto-compaction-mode': choice(['periodic', 'revision'], 'periodic', 'What --auto-compaction-retention counts.'),
  'enable-v2': boolean(false, "etcd's API v2.", refused('there is no API v2')),
  'enable-v2v3': text('', "etcd's API v2 over v3.", refused('there is no API v2')),
  'v2-deprecation': text('', 'How far API v2 is gone.', noEffect('there is no API v2')),
} as const
