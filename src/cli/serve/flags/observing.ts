/** Flags about what is told: metrics, log, traces. */
import { boolean, choice, duration, integer, list, noEffect, onceExperimental, refused, text, urls } from '../flag.js'

const NO_TRACES = refused(
  'spans are told to node:diagnostics_channel, from where a collector in the process takes them',
)
const OF_TRACES = noEffect('it belongs to --enable-distributed-tracing, which is not there')

export const OBSERVING_FLAGS = {
  'enable-pprof': boolean(
    false,
    'Whether /debug/pprof/ tells profiles of the process.',
    noEffect('profiles are those of Node: start it with --inspect or --cpu-prof'),
  ),
  metrics: choice(['basic', 'extensive'], 'basic', 'How much /metrics tells.'),
  'listen-metrics-urls': urls('', 'Where /metrics and /health are told besides, without client certificates.'),
  logger: choice(['zap', 'capnslog'], 'zap', 'The library of the log.', noEffect('there is one log')),
  'log-outputs': list('default', 'Where the log goes: stderr (the default), stdout, files.'),
  'log-output': list('', 'The same, as in 3.3.', refused('give --log-outputs')),
  'log-level': choice(['debug', 'info', 'warn', 'error', 'panic', 'fatal'], 'info', 'The least of what is logged.'),
  'log-format': choice(['json', 'console'], 'json', 'A JSON object in each line, or text.'),
  debug: boolean(false, 'As --log-level debug.', refused('give --log-level debug')),
  'log-package-levels': text('', 'Levels of single packages.', noEffect('there is one level: --log-level')),
  'enable-log-rotation': boolean(
    false,
    'Whether the file of the log is rotated.',
    refused('files are appended to: let logrotate rotate them, with copytruncate'),
  ),
  'log-rotation-config-json': text('', 'How.', noEffect('it belongs to --enable-log-rotation, which is not there')),
  'warning-unary-request-duration': onceExperimental(
    duration(
      '300ms',
      'Calls that take longer are told in the log.',
      noEffect('how long calls take is told by --metrics extensive'),
    ),
  ),
  'warning-apply-duration': onceExperimental(
    duration('100ms', 'Entries that take longer to apply are told.', noEffect('slow calls are told as a whole')),
  ),
  'enable-distributed-tracing': onceExperimental(boolean(false, 'Whether spans are sent to a collector.', NO_TRACES)),
  'distributed-tracing-address': onceExperimental(text('localhost:4317', 'Of the collector.', OF_TRACES)),
  'distributed-tracing-service-name': onceExperimental(text('etcd', 'In the spans.', OF_TRACES)),
  'distributed-tracing-instance-id': onceExperimental(text('', 'In the spans.', OF_TRACES)),
  'distributed-tracing-sampling-rate': onceExperimental(integer(0, 'Spans of a million.', OF_TRACES)),
} as const
