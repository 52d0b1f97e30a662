import { describe, expect, it, vi } from 'vitest'
import { handleKey, isTyping, strokeName, type Bindings } from './keyboard'

interface Pressed {
  key: string
  tag?: string
  type?: string
  within?: string
  repeat?: boolean
  isComposing?: boolean
  ctrlKey?: boolean
  shiftKey?: boolean
  altKey?: boolean
}

/** A key event at an element, as far as the desk looks at one. */
function press(pressed: Pressed): KeyboardEvent & { prevented: boolean } {
  const target = {
    tagName: pressed.tag ?? 'BODY',
    type: pressed.type ?? '',
    isContentEditable: false,
    closest: () => (pressed.within ? {} : null),
  }
  const event = {
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    repeat: false,
    isComposing: false,
    defaultPrevented: false,
    ...pressed,
    target,
    prevented: false,
    preventDefault() {
      event.prevented = true
    },
  }
  return event as unknown as KeyboardEvent & { prevented: boolean }
}

function bound(...strokes: string[]): { bindings: Bindings; pressed: string[] } {
  const pressed: string[] = []
  return {
    pressed,
    bindings: Object.fromEntries(strokes.map((stroke) => [stroke, () => pressed.push(stroke)])),
  }
}

describe('the keys of the desk', () => {
  it('name letters in capitals and chords with Ctrl, for Command too', () => {
    expect(strokeName(press({ key: 'm' }))).toBe('M')
    expect(strokeName(press({ key: 'k', ctrlKey: true }))).toBe('Ctrl+K')
    expect(strokeName(press({ key: 'F4', altKey: true }))).toBe('')
  })

  it('tell a function key with shift from the one without, while somebody types too', () => {
    const { bindings, pressed } = bound('F7', 'Shift+F7')
    handleKey(press({ key: 'F7', shiftKey: true, tag: 'INPUT', type: 'text' }), bindings)
    handleKey(press({ key: 'F7' }), bindings)
    expect(pressed).toEqual(['Shift+F7', 'F7'])
    expect(strokeName(press({ key: '?', shiftKey: true }))).toBe('?')
  })

  it('do nothing while somebody types, except function keys and chords', () => {
    const { bindings, pressed } = bound('M', '/', '1', 'F8', 'Ctrl+K')
    for (const key of ['m', '/', '1']) handleKey(press({ key, tag: 'TEXTAREA' }), bindings)
    expect(pressed).toEqual([])
    handleKey(press({ key: 'F8', tag: 'TEXTAREA' }), bindings)
    handleKey(press({ key: 'k', ctrlKey: true, tag: 'INPUT', type: 'text' }), bindings)
    expect(pressed).toEqual(['F8', 'Ctrl+K'])
  })

  it('do not take a key twice that is held down, nor one that composes a Chinese word', () => {
    const { bindings, pressed } = bound('F4')
    handleKey(press({ key: 'F4', repeat: true }), bindings)
    handleKey(press({ key: 'F4', isComposing: true }), bindings)
    expect(pressed).toEqual([])
  })

  it('leave Enter and space to the button that has the focus', () => {
    const { bindings, pressed } = bound('Enter', ' ', 'F2')
    for (const key of ['Enter', ' ', 'F2'])
      handleKey(press({ key, tag: 'BUTTON', within: 'button' }), bindings)
    expect(pressed).toEqual(['F2'])
  })

  it('leave the event to the browser when the binding says that it was not for it', () => {
    const unused = press({ key: 'Enter' })
    handleKey(unused, { Enter: () => false })
    expect(unused.prevented).toBe(false)
    const used = press({ key: 'Enter' })
    const act = vi.fn()
    handleKey(used, { Enter: act })
    expect(used.prevented).toBe(true)
    expect(act).toHaveBeenCalledOnce()
  })

  it('take a checkbox for no text field', () => {
    expect(isTyping(press({ key: 'x', tag: 'INPUT', type: 'checkbox' }).target)).toBe(false)
    expect(isTyping(press({ key: 'x', tag: 'INPUT', type: 'search' }).target)).toBe(true)
    expect(isTyping(null)).toBe(false)
  })
})
