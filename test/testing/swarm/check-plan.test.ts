import { expect, test } from 'vitest'
import { drawPlan, runPlan, type Plan } from 'quorate/testing'

const drawn = drawPlan(3, { safetyMs: 2_000 })
const [operation] = drawn.operations
const change = { ...operation, type: 'change-members' }
const pause = { atMs: 5, type: 'pause', member: 'a', forMs: 5 }

test('every plan that a seed draws is one that may be run, also when it comes out of a file', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const plan = JSON.parse(JSON.stringify(drawPlan(seed, { safetyMs: 20_000 }))) as Plan
    // Whoever gets as far as this option would run it.
    const broken = { ...plan, operations: [...plan.operations, { ...operation, id: -1 }] } as Plan
    await expect(runPlan(broken)).rejects.toThrow(
      `operations[${plan.operations.length}].id must be finite and 0 or more`,
    )
  }
})

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'a plan must be an object, not undefined'],
  ['null', null, 'a plan takes a plain object of seed, members,'],
  ['a plan without most of it', { seed: 3 }, 'members is missing'],
  ['a misspelt field', { ...drawn, fault: [] }, 'a plan takes no fault (did you mean faults?)'],
  ['a time that is text', { ...drawn, safetyMs: '1000' }, 'safetyMs must be a number, not string'],
  ['half a seed', { ...drawn, seed: 0.5 }, 'seed must be a whole number, not 0.5'],
  ['a member named twice', { ...drawn, members: ['a', 'a'] }, 'members names a twice'],
  ['a spare that is a member', { ...drawn, spares: ['a'] }, 'spares names a, who is one of the members'],
  ['a spare without a name', { ...drawn, spares: [''] }, 'spares[0] must be a name, not ""'],
  [
    'a change that is none',
    { ...drawn, operations: [{ ...change, step: { step: 'ad' } }] },
    'operations[0].step.step: there is no step "ad", only add,',
  ],
  [
    'a change of nobody',
    { ...drawn, operations: [{ ...change, step: { step: 'remove', name: 'z' } }] },
    'operations[0].step.name: there is no member "z"',
  ],
  ['no members', { ...drawn, members: [], faults: [], operations: [] }, 'members must have one name at least'],
  ['a setting that is missing', { ...drawn, settings: {} }, 'settings.electionTimeoutMs must be a number'],
  ['a rate that is none', { ...drawn, network: { delayMsMin: NaN } }, 'network.delayMsMin must be finite'],
  ['a rare way that is none', { ...drawn, buggify: ['turn-lat'] }, 'buggify[0]: there is no rare way "turn-lat"'],
  [
    'a fault that is none',
    { ...drawn, faults: [{ ...pause, type: 'puase' }] },
    'faults[0].type: there is no fault "puase"',
  ],
  ['a fault of nobody', { ...drawn, faults: [{ ...pause, member: 'z' }] }, 'faults[0].member: there is no node "z"'],
  [
    'a fault without a length',
    { ...drawn, faults: [{ ...pause, forMs: undefined }] },
    'faults[0].forMs must be a number',
  ],
  [
    'a fault in the past',
    { ...drawn, faults: [{ ...pause, atMs: -5 }] },
    'faults[0].atMs must be finite and 0 or more, not -5',
  ],
  [
    'an operation that is none',
    { ...drawn, operations: [{ ...operation, type: 'putt' }] },
    'operations[0].type: there is no operation "putt"',
  ],
  [
    'an operation at nobody',
    { ...drawn, operations: [{ ...operation, member: 'z' }] },
    'operations[0].member: there is no member "z"',
  ],
])('%s is no plan: refused before anything runs, by the name of the field', async (_, plan, message) => {
  await expect(runPlan(plan as Plan)).rejects.toThrow(message)
})
