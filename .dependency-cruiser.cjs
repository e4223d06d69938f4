/**
 * Who may import whom. `layers` is the table of the design; the rules below are derived from it. Deciding never imports
 * doing, nobody imports the testing kit, and there are no cycles, not even of types.
 * Tested by planted violations in test/tooling/layers.test.ts.
 */
'use strict'

/** Each folder of src, and what it may import besides itself and base. */
const layers = {
  base: [],
  runtime: [],
  raft: [],
  mvcc: [],
  lease: [],
  auth: [],
  transport: ['runtime'],
  watch: ['mvcc'],
  machine: ['mvcc', 'lease', 'auth'],
  storage: ['raft', 'mvcc'],
  api: ['mvcc', 'lease', 'auth'],
  member: ['raft', 'mvcc', 'lease', 'watch', 'machine', 'storage', 'transport'],
  store: ['api', 'mvcc', 'lease', 'auth', 'watch', 'machine', 'storage', 'transport', 'member', 'runtime'],
  recipes: ['api'],
  etcd: ['api', 'recipes', 'runtime'],
  testing: everythingBut('etcd', 'cli'),
  'index.ts': ['api', 'store', 'storage', 'transport', 'recipes'],
  cli: everythingBut('index.ts', 'testing'),
}

/** Folders of which only types may be imported: importer to imported. */
const typesOnly = { api: ['mvcc', 'lease', 'auth'] }

/** Packages that only `quorate/etcd` may load: too heavy, or optional. */
const etcdOnly = ['@grpc/', 'prom-client', 'protobufjs', '@bufbuild/']

function everythingBut(...excluded) {
  return { excluded }
}

function allowedFrom(layer) {
  const row = layers[layer]
  const allowed = Array.isArray(row) ? row : Object.keys(layers).filter((name) => !row.excluded.includes(name))
  return [...new Set([layer, 'base', ...allowed])]
}

/** A path that matches any of the given rows: a folder by all that is in it, a file exactly. */
function pathOf(names) {
  const alternatives = names.map((name) => (name.endsWith('.ts') ? `${name.replace('.', '\\.')}$` : `${name}/`))
  return `^src/(?:${alternatives.join('|')})`
}

const layerRules = Object.keys(layers).map((layer) => ({
  name: `layer-${layer}`,
  comment: `src/${layer} may import: ${allowedFrom(layer).join(', ')}`,
  severity: 'error',
  from: { path: pathOf([layer]) },
  to: { path: '^src/', pathNot: pathOf(allowedFrom(layer)) },
}))

const typesOnlyRules = Object.entries(typesOnly).map(([layer, imported]) => ({
  name: `types-only-${layer}`,
  comment: `src/${layer} may import only types from: ${imported.join(', ')}`,
  severity: 'error',
  from: { path: pathOf([layer]) },
  to: { path: pathOf(imported), dependencyTypesNot: ['type-only'] },
}))

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    ...typesOnlyRules,
    {
      name: 'not-in-the-table',
      comment: 'a file of src outside every folder of the table: give it a row or a place',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(Object.keys(layers)) },
      to: {},
    },
    {
      name: 'no-circular',
      comment: 'a cycle, of values or of types, means that two files are one',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'not-to-testing',
      comment: 'what ships never depends on the testing kit',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testing/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'not-to-own-index',
      comment: 'an index is for others; inside its folder it makes cycles',
      severity: 'error',
      from: { path: '^(src/.+)/[^/]+$' },
      to: { path: '^$1/index\\.ts$' },
    },
    {
      name: 'not-to-own-index-above',
      comment: 'an index is for others; inside its folder, however deep, it makes cycles',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/$1/index\\.ts$' },
    },
    {
      name: 'only-src',
      comment: 'src does not reach into tests, scripts or the build',
      severity: 'error',
      from: { path: '^src/' },
      to: { pathNot: '^src/|(?:^|/)node_modules/', dependencyTypesNot: ['core', 'unknown', 'undetermined'] },
    },
    {
      name: 'only-declared-dependencies',
      comment: 'src imports only what package.json lists under "dependencies"',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional', 'npm-peer'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'this import leads nowhere',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'native-code-on-first-use',
      comment:
        'classic-level is native: import() it where a data directory is opened, so that the main entry needs none',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '(?:^|/)node_modules/classic-level/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'signed-tokens-on-first-use',
      comment: 'jose is for members with signed tokens: import() it where one is made or checked',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '(?:^|/)node_modules/jose/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'etcd-dependencies-stay-there',
      comment: 'gRPC, protobuf and metrics are reachable only through src/etcd, src/cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(?:etcd|cli)/' },
      to: { path: `(?:^|/)node_modules/(?:${etcdOnly.join('|')})` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
