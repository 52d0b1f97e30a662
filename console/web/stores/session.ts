/** Who is signed in here. */
import { computed, ref } from 'vue'
import { defineStore } from 'pinia'
import * as api from '@/api/session'
import { useLocale } from '@/i18n'

const LAST_NAME = 'sansheng.username'

export const useSession = defineStore('session', () => {
  const user = ref<api.User | null>(null)
  /** Set when a request found the session gone, so that the login page can say so. */
  const expired = ref(false)
  const lastName = ref(localStorage.getItem(LAST_NAME) ?? '')

  const role = computed(() => user.value?.role ?? null)
  const isAgent = computed(() => role.value === 'agent')

  function entered(signedIn: api.User): void {
    user.value = signedIn
    expired.value = false
    lastName.value = signedIn.username
    localStorage.setItem(LAST_NAME, signedIn.username)
    if (signedIn.locale) useLocale(signedIn.locale)
  }

  /** The session that the cookie still holds, if any. Raises ApiError when the server cannot say. */
  async function restore(): Promise<boolean> {
    const known = await api.whoAmI()
    if (known) entered(known)
    return known !== null
  }

  async function signIn(username: string, password: string): Promise<void> {
    entered((await api.signIn(username, password)).user)
  }

  async function signOut(): Promise<void> {
    try {
      await api.signOut()
    } finally {
      user.value = null
    }
  }

  /** The session is over. Who is in a call stays who they are in it: it goes on, and they may sign in again. */
  function lost(inCall = false): void {
    if (user.value === null) return
    if (!inCall) user.value = null
    expired.value = true
  }

  async function chooseLocale(next: api.Locale): Promise<void> {
    useLocale(next)
    if (user.value) {
      user.value = { ...user.value, locale: next }
      await api.chooseLocale(next)
    }
  }

  return { user, expired, lastName, role, isAgent, restore, signIn, signOut, lost, chooseLocale }
})
