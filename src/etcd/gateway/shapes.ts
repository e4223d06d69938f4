/**
 * What the fields of a message are, so that JSON can be checked before it becomes one.
 *
 * The generated fromJSON takes what comes: text that is no base64 loses bytes, any word is `true`, an unknown name of an
 * enum becomes -1. So each message that clients send has a shape here; the compiler compares it with the message.
 */

export type FieldShape =
  | { readonly kind: 'bytes' | 'text' | 'truth' | 'int64' | 'uint64' }
  | { readonly kind: 'enumeration'; readonly numbers: EnumerationNumbers }
  | { readonly kind: 'list'; readonly of: FieldShape }
  /** By a function: a transaction has transactions. */
  | { readonly kind: 'message'; readonly shape: () => MessageShape<unknown> }
  /** One of these at most; in JSON they stand beside the other fields. */
  | { readonly kind: 'oneof'; readonly cases: Readonly<Record<string, FieldShape>> }

/** As TypeScript makes an enum: numbers by name, and names by number. */
export type EnumerationNumbers = Readonly<Record<string, string | number>>

/** How a message is made of those of its fields that were given. */
export interface Maker<Message> {
  fromPartial(fields: never): Message
}

/** A field as JSON may call it. */
export interface NamedField {
  readonly name: string
  readonly shape: FieldShape
  /** The oneof that it is a case of. */
  readonly within: string | undefined
}

export interface MessageShape<Message> {
  readonly maker: Maker<Message>
  /** By the names in etcd's .proto files, and in lowerCamel. */
  readonly fields: ReadonlyMap<string, NamedField>
}

/** What a field of this type may be described as; a mistake is a mistake of types. */
type ShapeOf<Value> = [Value] extends [Uint8Array]
  ? { readonly kind: 'bytes' }
  : [Value] extends [string]
    ? { readonly kind: 'text' }
    : [Value] extends [boolean]
      ? { readonly kind: 'truth' }
      : [Value] extends [bigint]
        ? { readonly kind: 'int64' | 'uint64' }
        : [Value] extends [number]
          ? Extract<FieldShape, { kind: 'enumeration' }>
          : [Value] extends [readonly (infer Item)[]]
            ? { readonly kind: 'list'; readonly of: ShapeOf<Item> }
            : [Value] extends [{ $case: string; value: unknown }]
              ? { readonly kind: 'oneof'; readonly cases: CasesOf<Value> }
              : { readonly kind: 'message'; readonly shape: () => MessageShape<Value> }

type CasesOf<Union extends { $case: string; value: unknown }> = {
  readonly [Case in Union['$case']]: ShapeOf<Extract<Union, { $case: Case }>['value']>
}

type FieldsOf<Message> = { readonly [Name in keyof Message]-?: ShapeOf<NonNullable<Message[Name]>> }

export const bytes = { kind: 'bytes' } as const
export const text = { kind: 'text' } as const
export const truth = { kind: 'truth' } as const
export const int64 = { kind: 'int64' } as const
export const uint64 = { kind: 'uint64' } as const

export function enumeration(numbers: EnumerationNumbers): { kind: 'enumeration'; numbers: EnumerationNumbers } {
  return { kind: 'enumeration', numbers }
}

export function list<Of extends FieldShape>(of: Of): { kind: 'list'; of: Of } {
  return { kind: 'list', of }
}

export function message<Message>(shape: () => MessageShape<Message>): {
  kind: 'message'
  shape: () => MessageShape<Message>
} {
  return { kind: 'message', shape }
}

export function oneof<Cases extends Readonly<Record<string, FieldShape>>>(
  cases: Cases,
): { kind: 'oneof'; cases: Cases } {
  return { kind: 'oneof', cases }
}

export function messageShape<Message>(maker: Maker<Message>, fields: FieldsOf<Message>): MessageShape<Message> {
  const named = new Map<string, NamedField>()
  const add = (field: NamedField): void => {
    named.set(field.name, field)
    named.set(lowerCamel(field.name), field)
  }
  for (const [name, shape] of Object.entries<FieldShape>(fields)) {
    if (shape.kind !== 'oneof') add({ name, shape, within: undefined })
    else for (const [each, its] of Object.entries(shape.cases)) add({ name: each, shape: its, within: name })
  }
  return { maker, fields: named }
}

/** `range_end` is `rangeEnd`; `ID` and `peerURLs` are what they are. */
function lowerCamel(name: string): string {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}
