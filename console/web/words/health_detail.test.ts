import { afterEach, describe, expect, it, vi } from 'vitest'

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })
const { i18n } = await import('@/i18n')
const { DETAILS, healthDetail } = await import('./health_detail')

afterEach(() => {
  i18n.global.locale.value = 'zh-CN'
})

describe('what the health check says', () => {
  it('is said in the language of the screens, with its figures', () => {
    expect(healthDetail('69.1 GiB free')).toBe('剩余 69.1 GiB')
    expect(healthDetail('audio of 2 calls cannot be kept now: No space left')).toContain('No space left')
    i18n.global.locale.value = 'en'
    expect(healthDetail('the worker was last seen 40 s ago')).toContain('40')
  })

  it('has a sentence in both languages for whatever is recognised', () => {
    for (const [, word] of DETAILS)
      for (const language of ['zh-CN', 'en'] as const)
        expect(i18n.global.te(`admin.details.${word}`, language), `${word} ${language}`).toBe(true)
  })

  it('stays as it came where nobody foresaw it', () => {
    expect(healthDetail('trunk is down 503 Busy')).toBe('trunk is down 503 Busy')
    expect(healthDetail('')).toBe('')
  })
})
