/**
 * What a schema has to be: version 1 of Standard Schema (standardschema.dev), which zod, valibot, arktype and others keep.
 *
 * Declared here, since it is a few lines: what keeps the specification has this shape, whichever package it comes from.
 */
import { kind } from '../../api/check-fields.js'

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    /** The library that it is made with. */
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** For the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

/** What a value is wrong in. */
export interface SchemaIssue {
  readonly message: string
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema takes. */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input']
/** What it makes of that. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** Throws TypeError for what is no schema. */
export function checkSchema(schema: StandardSchema): void {
  const standard = (schema as Partial<StandardSchema> | undefined)?.['~standard']
  if (standard?.version === 1 && typeof standard.validate === 'function') return
  throw new TypeError(
    `schema must be one by Standard Schema, version 1, as zod, valibot and arktype make them, not ${kind(schema)}`,
  )
}

/** What the schema makes of a value. Never rejects: a schema that throws has an issue with the value. */
export async function validate<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
): Promise<SchemaResult<Output>> {
  try {
    const result = await schema['~standard'].validate(value)
    return result.issues === undefined ? { value: result.value } : { issues: result.issues }
  } catch (error) {
    return { issues: [{ message: `the schema threw: ${String(error)}` }] }
  }
}

const ISSUES_SHOWN = 5
const ISSUE_SHOWN = 200

/** For a message: `url: Invalid input; port: Expected number`. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, ISSUES_SHOWN).map(describeIssue)
  const more = issues.length - shown.length
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ')
}

function describeIssue({ message, path = [] }: SchemaIssue): string {
  const where = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  const text = where === '' ? message : `${where}: ${message}`
  return text.length > ISSUE_SHOWN ? `${text.slice(0, ISSUE_SHOWN)}…` : text
}
