/** Keys of the desk. A key that is text does nothing while somebody types; function keys and Ctrl chords always work. */

export interface Stroke {
  key: string
  ctrl: boolean
}

export type Bindings = Record<string, (event: KeyboardEvent) => unknown>

const TYPING = new Set(['INPUT', 'TEXTAREA', 'SELECT'])
const NOT_TEXT = new Set(['checkbox', 'radio', 'range', 'button', 'submit'])

/** Whether a key typed at `target` is text. */
export function isTyping(target: EventTarget | null): boolean {
  if (target === null || !('tagName' in target)) return false
  const element = target as HTMLElement
  if (element.isContentEditable) return true
  if (!TYPING.has(element.tagName)) return false
  return !(element.tagName === 'INPUT' && NOT_TEXT.has((element as HTMLInputElement).type))
}

const FUNCTION_KEY = /^F\d{1,2}$/

/** Name of a stroke: `F2`, `Shift+F7`, `Ctrl+K`, `?`, `M`, `Enter`, `ArrowLeft`. Shift counts with function keys only:
 *  elsewhere it is part of the character. */
export function strokeName(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'> & { shiftKey?: boolean },
): string {
  if (event.altKey) return ''
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key
  if (event.ctrlKey || event.metaKey) return `Ctrl+${key}`
  return event.shiftKey && FUNCTION_KEY.test(key) ? `Shift+${key}` : key
}

/** Strokes that mean the same while somebody types as they do otherwise. */
export function worksWhileTyping(stroke: string): boolean {
  return /^(Shift\+)?F\d{1,2}$/.test(stroke) || stroke.startsWith('Ctrl+')
}

/** Enter and space belong to the control that has the focus. */
function belongsToControl(stroke: string, target: EventTarget | null): boolean {
  if (stroke !== 'Enter' && stroke !== ' ') return false
  const element = target as HTMLElement | null
  return !!element?.closest?.('button, a, [role="button"], [role="menuitem"], tr.opens, summary')
}

/** Runs the binding of one key event. A binding that gives `false` leaves the event to the browser. */
export function handleKey(event: KeyboardEvent, bindings: Bindings): void {
  if (event.repeat || event.isComposing || event.defaultPrevented) return
  const stroke = strokeName(event)
  const act = bindings[stroke]
  if (!act) return
  if (isTyping(event.target) && !worksWhileTyping(stroke)) return
  if (belongsToControl(stroke, event.target)) return
  if (act(event) !== false) event.preventDefault()
}
