/** New parts of a document, and small questions about it. */
import type {
  Entry,
  Hours,
  Label,
  Menu,
  Queue,
  RoutingDocument,
  Step,
  StepKind,
  TimeRange,
  Weekday,
} from '@/api/routing'

export const WEEKDAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
export const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const
/** Made by the phone rather than kept in files. */
export const TONES = ['ringback', 'beep']

const workday = (): TimeRange[] => [['08:00', '17:30']]

/** `queue-2`, the first of its kind that is not taken. */
export function freeName(kind: string, taken: readonly { name: string }[]): string {
  const names = new Set(taken.map((one) => one.name))
  for (let n = taken.length + 1; ; n += 1) if (!names.has(`${kind}-${n}`)) return `${kind}-${n}`
}

const firstQueue = (document: RoutingDocument) => document.queues[0]?.name ?? ''

export function newEntry(document: RoutingDocument): Entry {
  return {
    line: '',
    dialled: '',
    to: { kind: 'queue', queue: firstQueue(document) },
    hours: '',
    closed: null,
    announce_recording: false,
  }
}

export function newMenu(document: RoutingDocument, label: Label): Menu {
  const queue = firstQueue(document)
  return {
    name: freeName('menu', document.menus),
    label,
    greeting: 'menu-main',
    choices: [{ digit: '1', label: { zh: '', en: '' }, to: { kind: 'queue', queue } }],
    emergency: '',
    emergency_to: null,
    timeout: 5,
    retries: 2,
    invalid: 'menu-invalid',
    gave_up: { kind: 'queue', queue },
  }
}

export function newQueue(document: RoutingDocument, label: Label): Queue {
  return {
    name: freeName('queue', document.queues),
    label,
    strategy: 'longest_idle',
    priority: 0,
    skill: '',
    last_agent_first: false,
    waiting: 'ringback',
    music: 'hold-music',
    announce_position: false,
    announce_wait: false,
    announce_every: 30,
    hours: '',
    closed: null,
    max_waiting: 0,
    full: null,
    overflow: [],
    nobody_signed_in: null,
    callback_offer_after: 0,
    minimum_staff: 0,
  }
}

export function newHours(document: RoutingDocument, label: Label): Hours {
  return {
    name: freeName('hours', document.hours),
    label,
    weekly: {
      mon: workday(),
      tue: workday(),
      wed: workday(),
      thu: workday(),
      fri: workday(),
      sat: [],
      sun: [],
    },
    chinese_holidays: true,
    exceptions: [],
  }
}

/** A step of this kind, keeping the queue of the one before where both have one. */
export function newStep(kind: StepKind, document: RoutingDocument, before?: Step | null): Step {
  const queue = before && 'queue' in before ? before.queue : firstQueue(document)
  switch (kind) {
    case 'queue':
    case 'callback':
      return { kind, queue }
    case 'voicemail':
      return { kind, queue, prompt: '' }
    case 'menu':
      return { kind, menu: document.menus[0]?.name ?? '' }
    case 'number':
      return { kind, number: '', line: '' }
    case 'message':
      return { kind, prompt: 'closed' }
    case 'hang_up':
      return { kind }
  }
}

const NAMING = new Set(['prompt', 'greeting', 'invalid', 'music'])

/** Every prompt that a part of a document names. */
export function promptsNamed(part: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(part)) part.forEach((one) => promptsNamed(one, found))
  else if (part !== null && typeof part === 'object') {
    for (const [key, value] of Object.entries(part)) {
      if (NAMING.has(key) && typeof value === 'string' && value) found.add(value)
      else if (key !== 'prompts') promptsNamed(value, found)
    }
  }
  return found
}

/** As it is sent: without prompts that nothing names any more; the server fills in the house's own as they are now. */
export function asSent(document: RoutingDocument): RoutingDocument {
  const named = promptsNamed(document)
  return { ...document, prompts: document.prompts.filter((one) => named.has(one.name)) }
}
