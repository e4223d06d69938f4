/** What the page does, in as much of a browser as it needs; how it looks is for people to see. */
import { timelinePage } from 'quorate/testing'
import { describe, expect, test } from 'vitest'
import { timelineData } from '../../../src/testing/report/timeline-shapes.js'
import { FakeBrowser } from './fake-browser.js'
import { HEADLINE, Teller, story } from './story.js'

const NASTY = '</script><img src=x onerror=alert(1)>'

describe('the shapes of a timeline', () => {
  const data = timelineData(story())

  test('say what each member was, and when', () => {
    expect(data.bands.filter(([lane]) => lane === 1)).toEqual([
      [1, 0, 302.25, 'starting', 0],
      [1, 302.25, 500, 'follower', 1],
      [1, 500, 700, 'down', 0],
      [1, 700, 720, 'starting', 0],
      [1, 720, 720.5, 'follower', 1],
    ])
    expect(data.bands.filter(([, , , state]) => state === 'leader')).toEqual([[0, 304, 720.5, 'leader', 1]])
    expect(data.pauses).toEqual([[2, 600, 650]])
  })

  test('take messages from their sending to what became of them', () => {
    const ways = data.messages.map(([, , from, to, sentMs, endMs, fate]) => [from, to, sentMs, endMs, fate])
    expect(ways).toEqual([
      [0, 1, 300, 302.25, 'arrived'],
      [0, 2, 300, 302, 'lost'],
      [1, 0, 302.25, 304, 'arrived'],
      [0, 1, 311, 313, 'arrived'],
      [0, 1, 311, 350.125, 'arrived-again'],
      [1, 0, 313.5, 315, 'arrived'],
    ])
    expect(data.rows.map(([, , , , detail]) => detail)).toContain(
      't1  entry 2 after 1@1, commit 1  #3  → arrives after 2 ms, and again after 39.125 ms',
    )
  })

  test('shade whom a fault touches, and end a call with the process that made it', () => {
    expect(data.faults.map(([, lanes, fromMs, toMs]) => [lanes, fromMs, toMs])).toEqual([
      [[1], 500, 700],
      [[1, 2], 400, 700],
    ])
    expect(data.calls.map(([, lane, , fromMs, toMs, outcome]) => [lane, fromMs, toMs, outcome])).toEqual([
      [0, 310, 315.5, 'ok'],
      [1, 410, 500, 'open'],
    ])
  })
})

describe('the timeline', () => {
  test('opens at the violation, or at the time in its address', () => {
    const page = timelinePage(story())
    const atViolation = new FakeBrowser(page)
    expect(atViolation.chosen).toMatch(/^0\.7205 .* violation R5 violated: b applied 2@1 again$/)
    expect(atViolation.address).toBe('#t=720.5')
    expect(atViolation.pen.texts).toContain('✖ violation')
    expect(new FakeBrowser(page, '#t=310').chosen).toMatch(/^0\.3100 .* call 1 client 1 puts/)
  })

  test('goes from event to event by keys, and back to the violation', () => {
    const browser = new FakeBrowser(timelinePage(story()), '#t=310')
    browser.press('n')
    const first = browser.chosen
    browser.press('n', 'n', 'p', 'p')
    expect(browser.chosen).toBe(first)
    browser.press('Escape', 'w', '+', '-', 'ArrowLeft', 'ArrowRight', 't', '?', 'v')
    expect(browser.chosen).toContain('violation')
  })

  test('finds events by words, and hides kinds', () => {
    const browser = new FakeBrowser(timelinePage(story()))
    const all = browser.element('counter').textContent
    browser.element('search').value = 'VOTE-granted'
    browser.element('search').fire('input')
    expect(browser.element('counter').textContent).toMatch(/^1 of \d+ events$/)
    expect(browser.element('list').words).toContain('vote-granted t1  to a')
    browser.element('search').value = ''
    browser.element('kind-1').checked = false
    browser.element('kind-1').fire('change')
    expect(browser.element('counter').textContent).not.toBe(all)
    expect(browser.element('list').words).not.toContain('vote-reply')
  })

  test('says what is under the pointer, and chooses what is clicked', () => {
    const browser = new FakeBrowser(timelinePage(story()), '#t=310')
    const canvas = browser.element('canvas')
    const told: string[] = []
    for (let clientX = 70; clientX < 1200; clientX += 7) {
      for (let clientY = 40; clientY < 600; clientY += 7) {
        canvas.fire('pointermove', { clientX, clientY })
        const text = browser.element('tip').textContent ?? ''
        if (text !== '' && !told.includes(text)) told.push(text)
        if (!text.includes('append-accepted') || told.includes('clicked')) continue
        canvas.fire('pointerdown', { clientX, clientY })
        canvas.fire('pointerup', { clientX, clientY })
        expect(browser.chosen).toContain('append-accepted')
        told.push('clicked')
      }
    }
    expect(told).toContain('clicked')
    expect(told.join('\n')).toMatch(/a: leader, term 1/)
    expect(told.join('\n')).toMatch(/client 1 puts 10 bytes to "x"/)
  })

  test('cannot be broken by what a run contains', () => {
    const tell = new Teller()
    tell.process(0, 'a', 'start', NASTY)
    tell.call(1, 'a', 'invoke', 1, `put ${NASTY}`)
    const headline = { ...HEADLINE, verdict: NASTY, replay: NASTY }
    const page = timelinePage(tell.record(headline, { atMs: 2, message: NASTY }))
    expect(page).not.toContain('<img')
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page.match(/<\/script>/g)).toHaveLength(2)
    expect(new FakeBrowser(page).element('list').words).toContain(`put ${NASTY}`)
  })

  test('of a run in which all went well has no violation to show', () => {
    const page = timelinePage(new Teller().record({ ...HEADLINE, verdict: 'ok' }))
    expect(page).toContain('held')
    expect(page).not.toContain('<pre class="violation"')
    new FakeBrowser(page).press('v', 'n', 'p', 'w')
  })

  test('draws few lines for many messages', () => {
    const tell = new Teller()
    for (let at = 0; at < 50_000; at++) {
      tell.message(at, 'a', 'b', { type: 'heartbeat', term: 1, commit: at, round: 0 }, ['delivered', at + 2])
    }
    const browser = new FakeBrowser(timelinePage(tell.record(HEADLINE)), '#t=25000')
    browser.press('w')
    expect(browser.pen.lines).toBeGreaterThan(200)
    expect(browser.pen.lines).toBeLessThan(1_000)
    expect(browser.element('list').children[0]?.children.length).toBeLessThan(100)
    expect(browser.element('counter').textContent).toBe('50,000 events')
  })
})
