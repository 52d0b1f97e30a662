/** The way of a call as a picture: lines, hours, menus, queues and where else it may end, column by column. */
import type { Entry, Menu, Queue, RoutingDocument, Step } from '@/api/routing'
import type { Part } from './place'

export type Column = 'entries' | 'hours' | 'menus' | 'queues' | 'ends'
export const COLUMNS: readonly Column[] = ['entries', 'hours', 'menus', 'queues', 'ends']

/** A way out of a box, drawn as a row of it. `key`: a key of the telephone; `at`: the place of its step. */
export interface Exit {
  at: string
  tone: 'plain' | 'key' | 'emergency' | 'otherwise'
  /** What to call it: of the document (`label`, `key`), or a word of the screens (`word` with `n`). */
  key?: string
  label?: { zh: string; en: string }
  word?: 'closed' | 'open' | 'gaveUp' | 'full' | 'nobody' | 'after' | 'callbackOffer'
  n?: number
  y: number
}

export interface Box {
  id: string
  column: Column
  part: Part | null
  step: Step | null
  x: number
  y: number
  height: number
  exits: Exit[]
}

export interface Edge {
  from: string
  to: string
  at: string
  tone: Exit['tone']
  path: string
}

export interface Picture {
  width: number
  height: number
  boxes: Box[]
  edges: Edge[]
}

export const BOX_WIDTH = 158
export const HEAD = 46
export const ROW = 22
const GAP_X = 52
const GAP_Y = 16
const TOP = 8
const FOOT = 7

export const columnX = (column: Column) => COLUMNS.indexOf(column) * (BOX_WIDTH + GAP_X)
export const PICTURE_WIDTH = columnX('ends') + BOX_WIDTH + 4

type Way = Omit<Exit, 'y'> & { step: Step }

/** Steps by which a call leaves a queue without an agent, in the order in which they are looked at. */
function waysOfQueue(queue: Queue, at: string): Way[] {
  const ways: Way[] = []
  if (queue.hours && queue.closed)
    ways.push({ at: `${at}.closed`, tone: 'otherwise', word: 'closed', step: queue.closed })
  if (queue.nobody_signed_in)
    ways.push({
      at: `${at}.nobody_signed_in`,
      tone: 'otherwise',
      word: 'nobody',
      step: queue.nobody_signed_in,
    })
  if (queue.max_waiting && queue.full)
    ways.push({
      at: `${at}.full`,
      tone: 'otherwise',
      word: 'full',
      n: queue.max_waiting,
      step: queue.full,
    })
  if (queue.callback_offer_after)
    ways.push({
      at: `${at}.callback_offer_after`,
      tone: 'plain',
      word: 'callbackOffer',
      n: queue.callback_offer_after,
      step: { kind: 'callback', queue: queue.name },
    })
  queue.overflow.forEach((one, index) =>
    ways.push({
      at: `${at}.overflow[${index}].to`,
      tone: 'plain',
      word: 'after',
      n: one.after,
      step: one.to,
    }),
  )
  return ways
}

function waysOfMenu(menu: Menu, at: string): Way[] {
  const ways: Way[] = menu.choices.map((choice, index) => ({
    at: `${at}.choices[${index}].to`,
    tone: 'key',
    key: choice.digit,
    label: choice.label,
    step: choice.to,
  }))
  if (menu.emergency && menu.emergency_to)
    ways.push({ at: `${at}.emergency_to`, tone: 'emergency', key: menu.emergency, step: menu.emergency_to })
  ways.push({ at: `${at}.gave_up`, tone: 'otherwise', word: 'gaveUp', step: menu.gave_up })
  return ways
}

/** The box that a step leads to; ends are one box for each that is different. */
export function targetOf(step: Step): string {
  switch (step.kind) {
    case 'queue':
      return `queues ${step.queue}`
    case 'menu':
      return `menus ${step.menu}`
    case 'number':
      return `end number ${step.number}`
    case 'message':
      return `end message ${step.prompt}`
    case 'voicemail':
      return `end voicemail ${step.queue}`
    case 'callback':
      return `end callback ${step.queue}`
    case 'hang_up':
      return 'end hang_up'
  }
}

class Drawing {
  readonly boxes = new Map<string, Box>()
  private readonly ways: { from: string; way: Way }[] = []
  private readonly bottoms = new Map<Column, number>()

  add(id: string, column: Column, part: Part | null, step: Step | null, ways: Way[], from = TOP): Box {
    const y = Math.max(this.bottoms.get(column) ?? TOP, from)
    const height = HEAD + ways.length * ROW + (ways.length ? FOOT : 0)
    const exits = ways.map((way, row) => ({ ...way, y: y + HEAD + row * ROW + ROW / 2 }))
    const box: Box = { id, column, part, step, x: columnX(column), y, height, exits }
    this.boxes.set(id, box)
    this.bottoms.set(column, y + height + GAP_Y)
    for (const way of ways) this.ways.push({ from: id, way })
    return box
  }

  /** The ends, each about as high as what leads to it. */
  addEnds(): void {
    const wanted = new Map<string, { step: Step; heights: number[] }>()
    for (const { from, way } of this.ways) {
      const id = targetOf(way.step)
      if (!id.startsWith('end ')) continue
      const known = wanted.get(id) ?? { step: way.step, heights: [] }
      known.heights.push(this.exitHeight(from, way.at))
      wanted.set(id, known)
    }
    const mean = (heights: number[]) => heights.reduce((sum, one) => sum + one, 0) / heights.length
    const ordered = [...wanted].sort(([, a], [, b]) => mean(a.heights) - mean(b.heights))
    for (const [id, { step, heights }] of ordered)
      this.add(id, 'ends', null, step, [], Math.max(TOP, mean(heights) - HEAD / 2))
  }

  edges(): Edge[] {
    const drawn: Edge[] = []
    for (const { from, way } of this.ways) {
      const source = this.boxes.get(from)
      const target = this.boxes.get(targetOf(way.step))
      if (!source || !target) continue
      const path = curve(source, this.exitHeight(from, way.at), target)
      drawn.push({ from, to: target.id, at: way.at, tone: way.tone, path })
    }
    return drawn
  }

  height(): number {
    return Math.max(0, ...[...this.boxes.values()].map((box) => box.y + box.height)) + GAP_Y
  }

  private exitHeight(from: string, at: string): number {
    const box = this.boxes.get(from)
    const exit = box?.exits.find((one) => one.at === at)
    return exit?.y ?? (box ? box.y + HEAD / 2 : TOP)
  }
}

/** From a row of one box into the head of another; within a column around the right side. */
function curve(source: Box, y: number, target: Box): string {
  const to = target.y + HEAD / 2
  const right = source.x + BOX_WIDTH
  if (target.column === source.column) {
    const out = right + 26 + Math.min(18, Math.abs(to - y) / 16)
    return `M${right} ${y} C${out} ${y} ${out} ${to} ${right + 2} ${to}`
  }
  const forward = target.x > source.x
  const [x1, x2] = forward ? [right, target.x - 2] : [source.x, target.x + BOX_WIDTH + 2]
  const bend = Math.max(30, Math.abs(x2 - x1) / 2) * (forward ? 1 : -1)
  return `M${x1} ${y} C${x1 + bend} ${y} ${x2 - bend} ${to} ${x2} ${to}`
}

function addEntry(drawing: Drawing, document: RoutingDocument, entry: Entry, index: number): void {
  const at = `entries[${index}]`
  const part: Part = { section: 'entries', index }
  const hours = document.hours.findIndex((one) => one.name === entry.hours)
  if (hours < 0) {
    drawing.add(at, 'entries', part, null, [{ at: `${at}.to`, tone: 'plain', word: 'open', step: entry.to }])
    return
  }
  const own = drawing.add(at, 'entries', part, null, [])
  const ways: Way[] = [{ at: `${at}.to`, tone: 'plain', word: 'open', step: entry.to }]
  if (entry.closed) ways.push({ at: `${at}.closed`, tone: 'otherwise', word: 'closed', step: entry.closed })
  drawing.add(`${at} hours`, 'hours', { section: 'hours', index: hours }, null, ways, own.y)
}

/** Boxes that do not overlap and an edge for each step whose target is there. */
export function drawRouting(document: RoutingDocument): Picture {
  const drawing = new Drawing()
  document.entries.forEach((entry, index) => addEntry(drawing, document, entry, index))
  document.hours.forEach((hours, index) => {
    if (!document.entries.some((entry) => entry.hours === hours.name))
      drawing.add(`hours ${hours.name}`, 'hours', { section: 'hours', index }, null, [])
  })
  document.menus.forEach((menu, index) =>
    drawing.add(
      `menus ${menu.name}`,
      'menus',
      { section: 'menus', index },
      null,
      waysOfMenu(menu, `menus[${index}]`),
    ),
  )
  document.queues.forEach((queue, index) =>
    drawing.add(
      `queues ${queue.name}`,
      'queues',
      { section: 'queues', index },
      null,
      waysOfQueue(queue, `queues[${index}]`),
    ),
  )
  drawing.addEnds()
  const gates: Edge[] = document.entries.flatMap((_, index) => {
    const source = drawing.boxes.get(`entries[${index}]`)
    const gate = drawing.boxes.get(`entries[${index}] hours`)
    if (!source || !gate) return []
    const path = curve(source, source.y + HEAD / 2, gate)
    return [{ from: source.id, to: gate.id, at: `entries[${index}].hours`, tone: 'plain' as const, path }]
  })
  return {
    width: PICTURE_WIDTH,
    height: drawing.height(),
    boxes: [...drawing.boxes.values()],
    edges: [...gates, ...drawing.edges()],
  }
}
