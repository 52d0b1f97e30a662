/** Language of the screens: vue-i18n and Element Plus switch together; the choice is the user's and kept on the server. */
import { computed } from 'vue'
import { createI18n } from 'vue-i18n'
import elementEn from 'element-plus/es/locale/lang/en'
import elementZh from 'element-plus/es/locale/lang/zh-cn'
import type { Locale } from '@/api/session'
import en from './en'
import zh from './zh-CN'

const KEPT = 'sansheng.locale'

/** The language that was last used on this workstation, before anybody has signed in. */
export function keptLocale(): Locale {
  const kept = localStorage.getItem(KEPT)
  return kept === 'en' ? 'en' : 'zh-CN'
}

export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN',
  fallbackLocale: 'zh-CN',
  messages: { 'zh-CN': zh, en },
})

export const locale = computed<Locale>(() => (i18n.global.locale.value === 'en' ? 'en' : 'zh-CN'))
export const elementLocale = computed(() => (locale.value === 'en' ? elementEn : elementZh))

export function useLocale(next: string): void {
  const known: Locale = next.startsWith('en') ? 'en' : 'zh-CN'
  i18n.global.locale.value = known
  localStorage.setItem(KEPT, known)
  document.documentElement.lang = known
  document.title = i18n.global.t('product')
}

/** A word for a code, or the code itself where the screens have no word for it. */
export function word(path: string, code: string | null | undefined): string {
  if (!code) return ''
  const key = `${path}.${code}`
  return i18n.global.te(key, 'zh-CN') ? i18n.global.t(key) : code
}
