/**
 * What the compiler cannot check. Three groups of rules:
 *
 * 1. Everywhere: mistakes with promises, types and switches. No matters of style; prettier has those.
 * 2. In src: nothing reads a clock, draws a random number or starts a timer except through a port of src/base, so that the
 *    whole system runs unchanged in a simulation. In the folders that decide (`pure`), no effect of any kind, and in most
 *    of those (`synchronous`) no promise either.
 * 3. In test: no sleeping, no wall clock, no unseeded numbers, no mocked modules, nothing skipped or singled out.
 *
 * Tested by planted violations in test/tooling/lint-rules.test.ts.
 */
import { builtinModules } from 'node:module'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const synchronous = ['raft', 'mvcc', 'watch', 'lease', 'auth', 'machine']
const pure = [...synchronous, 'base', 'api']
/** The real clock, timers, randomness and logger live here; the command line is a process of its own. */
const unrestricted = ['runtime', 'cli']

const filesOf = (folders) => folders.map((folder) => `src/${folder}/**`)
const banned = (names, message) => names.map((name) => ({ name, message }))

// Globals

const TIMERS = [
  ...['setTimeout', 'setInterval', 'setImmediate'],
  ...['clearTimeout', 'clearInterval', 'clearImmediate'],
]
const ASKS_TIME = 'Time comes through the clock port.'
const portGlobals = [
  ...banned(['Date', 'performance'], ASKS_TIME),
  ...banned(TIMERS, 'Timers come through the clock port.'),
  ...banned(['console'], 'Log through the logger port.'),
]
const pureGlobals = [
  ...portGlobals,
  ...banned(['queueMicrotask', 'process'], 'The code that decides has no effects.'),
  ...banned(['crypto'], 'Random values are chosen by the proposer and come in as input.'),
  ...banned(['WeakRef', 'FinalizationRegistry'], 'Garbage collection is not deterministic.'),
  ...banned(['Intl'], 'Differs between machines: compare bytes or code units.'),
]
const restrictedGlobals = (globals) => ['error', { globals, checkGlobalObject: true }]

const portProperties = [
  { object: 'Math', property: 'random', message: 'Random numbers come through the random port.' },
  { object: 'AbortSignal', property: 'timeout', message: 'A hidden timer: use the clock port.' },
  { object: 'process', property: 'hrtime', message: 'Time comes through the clock port.' },
]

// Imports

const clockModules = ['timers', 'timers/promises', 'perf_hooks'].flatMap((name) => [name, `node:${name}`])
const portImports = { paths: banned(clockModules, 'Time and timers come through the clock port.') }
/** A regular expression, since the glob patterns of the rule would also match './util/x.js'. */
const builtinImports = (except) => ({
  patterns: [
    {
      regex: `^(?!${except}$)(?:node:.*|${builtinModules.join('|')})$`,
      message: 'The code that decides imports nothing of Node.',
    },
  ],
})

// Syntax

const sourceSyntax = [
  {
    selector: 'VariableDeclaration[kind="await using"]',
    message: 'Needs a newer Node than we support: call close() in a finally block.',
  },
  {
    selector: 'AwaitExpression:not(:function AwaitExpression)',
    message: 'A top-level await makes require() of the package fail.',
  },
  {
    selector: ':matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration[kind=/^(let|var)$/]',
    message: 'Module-level state is shared by all members in the process: put it in an object.',
  },
  { selector: 'ExportAllDeclaration', message: 'Export by name, so that what is public is a decision.' },
  {
    selector: ':matches(MethodDefinition, PropertyDefinition, TSMethodSignature)[key.name="then"]',
    message: 'An object with a method `then` is called by every await.',
  },
]
const pureSyntax = [
  ...sourceSyntax,
  { selector: 'ForInStatement', message: 'Visits inherited names: use Object.keys or a Map.' },
  {
    selector: 'MemberExpression[property.name=/^(localeCompare|toLocale\\w+)$/]',
    message: 'Differs between machines: compare bytes or code units.',
  },
  { selector: 'ImportExpression', message: 'The code that decides loads nothing while running.' },
]
const noPromise = 'This folder decides synchronously: return what is to be done.'
const synchronousSyntax = [
  ...pureSyntax,
  { selector: ':function[async=true]', message: noPromise },
  { selector: 'AwaitExpression', message: noPromise },
  { selector: 'ForOfStatement[await=true]', message: noPromise },
  { selector: 'NewExpression[callee.name="Promise"]', message: noPromise },
  { selector: 'MemberExpression[object.name="Promise"]', message: noPromise },
]
const TEST_FUNCTIONS = '/^(it|test|describe|suite|bench)$/'
const testSyntax = ['object', 'object.object'].map((object) => ({
  selector: `MemberExpression[${object}.name=${TEST_FUNCTIONS}][property.name=/^(only|skip)$/]`,
  message: 'Every test runs: fix it, delete it, or use skipIf with a condition.',
}))

export default defineConfig(
  globalIgnores(['dist/', 'src/etcd/generated/', 'coverage/', 'test/testdata/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // `throw signal.reason` and `reject(signal.reason)` pass on what the caller chose.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // An async function without await implements an asynchronous interface, and turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**'],
    ignores: filesOf(unrestricted),
    rules: {
      'no-restricted-globals': restrictedGlobals(portGlobals),
      'no-restricted-properties': ['error', ...portProperties],
      'no-restricted-imports': ['error', portImports],
    },
  },
  { files: ['src/**'], rules: { 'no-restricted-syntax': ['error', ...sourceSyntax] } },
  {
    files: filesOf(pure),
    rules: {
      'no-restricted-globals': restrictedGlobals(pureGlobals),
      'no-restricted-imports': ['error', builtinImports('')],
      'no-restricted-syntax': ['error', ...pureSyntax],
    },
  },
  {
    files: filesOf(synchronous),
    rules: { 'no-restricted-syntax': ['error', ...synchronousSyntax] },
  },
  {
    // CRC-32 in JavaScript is many times slower, and this one is a function of its input.
    files: ['src/base/checksum.ts'],
    rules: { 'no-restricted-imports': ['error', builtinImports('node:zlib')] },
  },
  {
    // A date of a given time is a function of its input; which time it is now is not.
    files: ['src/recipes/schedule/date.ts'],
    rules: {
      'no-restricted-globals': restrictedGlobals(portGlobals.filter(({ name }) => name !== 'Date')),
      'no-restricted-properties': ['error', ...portProperties, { object: 'Date', property: 'now', message: ASKS_TIME }],
      'no-restricted-syntax': [
        'error',
        ...sourceSyntax,
        {
          selector: ':matches(NewExpression, CallExpression)[callee.name="Date"][arguments.length=0]',
          message: ASKS_TIME,
        },
      ],
    },
  },
  {
    files: ['test/**'],
    rules: {
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': ['error', ...testSyntax],
    },
  },
  {
    // test/process starts real processes, and waits for them by the real clock.
    files: ['test/**'],
    ignores: ['test/process/**'],
    rules: {
      'no-restricted-globals': restrictedGlobals([
        ...banned(['setTimeout', 'setInterval'], 'Wait for the event itself, or use the simulated clock.'),
        ...banned(['performance'], 'Use the simulated clock.'),
      ]),
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Use the simulated clock.' },
        { object: 'Math', property: 'random', message: 'Use fast-check, or a seeded generator.' },
        ...['mock', 'doMock', 'hoisted'].map((property) => ({
          object: 'vi',
          property,
          message: 'Tests run the real modules; replace what a port provides.',
        })),
      ],
      'no-restricted-imports': ['error', { paths: banned(clockModules, 'Use the simulated clock.') }],
    },
  },
)
