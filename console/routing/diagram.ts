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

export const BOX_WIDTH = 152
export const HEAD = 46
export const ROW = 22
const GAP_X = 44
const GAP_Y = 16
const TOP = 8
const FOOT = 7

export const columnX = (column: Column) => COLUMNS.indexOf(column) * (BOX_WIDTH + GAP_X)

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

/** How high a line is that only passes a column. */
const PASS = 14

class Drawing {
  readonly boxes = new Map<string, Box>()
  private readonly ways: { from: string; way: Way }[] = []
  private readonly bottoms = new Map<Column, number>()
  /** Heights at which the way of a step passes columns between its boxes, by place and column. */
  private readonly passes = new Map<string, number>()

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

  /** Room for a line that goes through a column without stopping. */
  pass(at: string, column: Column, from: number): void {
    const y = Math.max(this.bottoms.get(column) ?? TOP, from - PASS / 2)
    this.passes.set(`${at} ${column}`, y + PASS / 2)
    this.bottoms.set(column, y + PASS + GAP_Y / 2)
  }

  /** The ends, each about as high as what leads to it. */
  addEnds(): void {
    const wanted = new Map<string, { step: Step; heights: number[] }>()
    for (const { from, way } of this.ways) {
      const id = targetOf(way.step)
      if (!id.startsWith('end ')) continue
      const known = wanted.get(id) ?? { step: way.step, heights: [] }
      known.heights.push(this.passes.get(`${way.at} queues`) ?? this.exitHeight(from, way.at))
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
      const path = this.path(source, way.at, target)
      drawn.push({ from, to: target.id, at: way.at, tone: way.tone, path })
    }
    return drawn
  }

  height(): number {
    return Math.max(0, ...[...this.boxes.values()].map((box) => box.y + box.height)) + GAP_Y
  }

  /** The step of a row. */
  stepOf(from: string, at: string): Step {
    const found = this.ways.find((one) => one.from === from && one.way.at === at)
    if (!found) throw new Error(`no way ${at} out of ${from}`)
    return found.way.step
  }

  private exitHeight(from: string, at: string): number {
    const box = this.boxes.get(from)
    const exit = box?.exits.find((one) => one.at === at)
    return exit?.y ?? (box ? box.y + HEAD / 2 : TOP)
  }

  private path(source: Box, at: string, target: Box): string {
    let [x, y] = [source.x + BOX_WIDTH, this.exitHeight(source.id, at)]
    let path = `M${x} ${y}`
    for (const column of between(source.column, target.column)) {
      const level = this.passes.get(`${at} ${column}`)
      if (level === undefined) continue
      path += `${bend(x, y, columnX(column), level)} H${columnX(column) + BOX_WIDTH}`
      ;[x, y] = [columnX(column) + BOX_WIDTH, level]
    }
    return x === source.x + BOX_WIDTH
      ? curve(source, y, target)
      : path + bend(x, y, target.x - 2, headOf(target))
  }
}

const headOf = (box: Box) => box.y + HEAD / 2

/** The columns that a way from one to the other passes. */
function between(from: Column, to: Column): Column[] {
  return COLUMNS.slice(COLUMNS.indexOf(from) + 1, Math.max(0, COLUMNS.indexOf(to)))
}

function bend(x1: number, y1: number, x2: number, y2: number): string {
  const half = (x2 - x1) / 2
  return ` C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`
}

/** From a row of one box into the head of another; within a column around the right side. */
function curve(source: Box, y: number, target: Box): string {
  const to = headOf(target)
  const right = source.x + BOX_WIDTH
  if (target.column === source.column) {
    const out = right + 26 + Math.min(14, Math.abs(to - y) / 16)
    return `M${right} ${y} C${out} ${y} ${out} ${to} ${right + 2} ${to}`
  }
  if (target.x > source.x) return `M${right} ${y}${bend(right, y, target.x - 2, to)}`
  return `M${source.x} ${y}${bend(source.x, y, target.x + BOX_WIDTH + 2, to)}`
}

const columnOf = (step: Step): Column =>
  step.kind === 'queue' ? 'queues' : step.kind === 'menu' ? 'menus' : 'ends'

/** Puts boxes in the order in which calls come to them, so that few lines cross. */
class Layout {
  readonly drawing = new Drawing()

  constructor(private readonly document: RoutingDocument) {}

  draw(): Drawing {
    const { drawing, document } = this
    document.entries.forEach((entry, index) => this.entry(entry, index))
    document.hours.forEach((hours, index) => {
      if (!document.entries.some((entry) => entry.hours === hours.name))
        drawing.add(`hours ${hours.name}`, 'hours', { section: 'hours', index }, null, [])
    })
    for (const menu of document.menus) this.menu(menu.name)
    for (const box of [...drawing.boxes.values()]) {
      if (box.column === 'menus') this.on(box)
    }
    for (const queue of document.queues) this.queue(queue.name)
    drawing.addEnds()
    return drawing
  }

  private entry(entry: Entry, index: number): void {
    const at = `entries[${index}]`
    const part: Part = { section: 'entries', index }
    const ways: Way[] = [{ at: `${at}.to`, tone: 'plain', word: 'open', step: entry.to }]
    const hours = this.document.hours.findIndex((one) => one.name === entry.hours)
    if (hours < 0) {
      this.on(this.drawing.add(at, 'entries', part, null, ways))
      return
    }
    const own = this.drawing.add(at, 'entries', part, null, [])
    if (entry.closed) ways.push({ at: `${at}.closed`, tone: 'otherwise', word: 'closed', step: entry.closed })
    const gate = { section: 'hours', index: hours } as const
    this.on(this.drawing.add(`${at} hours`, 'hours', gate, null, ways, own.y))
  }

  /** Follow the ways out of a box: what they lead to comes next, what they pass makes room. */
  private on(box: Box): void {
    for (const exit of box.exits) {
      const step = this.drawing.stepOf(box.id, exit.at)
      const column = columnOf(step)
      for (const passed of between(box.column, column)) this.drawing.pass(exit.at, passed, exit.y)
      if (step.kind === 'menu') this.menu(step.menu)
      if (step.kind === 'queue') this.queue(step.queue)
    }
  }

  private menu(name: string): void {
    const index = this.document.menus.findIndex((one) => one.name === name)
    const menu = this.document.menus[index]
    if (!menu || this.drawing.boxes.has(`menus ${name}`)) return
    this.drawing.add(
      `menus ${name}`,
      'menus',
      { section: 'menus', index },
      null,
      waysOfMenu(menu, `menus[${index}]`),
    )
  }

  private queue(name: string): void {
    const index = this.document.queues.findIndex((one) => one.name === name)
    const queue = this.document.queues[index]
    if (!queue || this.drawing.boxes.has(`queues ${name}`)) return
    this.drawing.add(
      `queues ${name}`,
      'queues',
      { section: 'queues', index },
      null,
      waysOfQueue(queue, `queues[${index}]`),
    )
  }
}

/** Boxes that do not overlap and an edge for each step whose target is there. */
export function drawRouting(document: RoutingDocument): Picture {
  const drawing = new Layout(document).draw()
  const gates: Edge[] = document.entries.flatMap((_, index) => {
    const source = drawing.boxes.get(`entries[${index}]`)
    const gate = drawing.boxes.get(`entries[${index}] hours`)
    if (!source || !gate) return []
    const path = curve(source, headOf(source), gate)
    return [{ from: source.id, to: gate.id, at: `entries[${index}].hours`, tone: 'plain' as const, path }]
  })
  const boxes = [...drawing.boxes.values()]
  return {
    width: columnX('ends') + BOX_WIDTH + 4,
    height: drawing.height(),
    boxes,
    edges: [...gates, ...drawing.edges()],
  }
}
