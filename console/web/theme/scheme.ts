/** Dark or light: the user's choice on this workstation, else what the system prefers. */
import { ref } from 'vue'

const KEPT = 'sansheng.theme'

export const dark = ref(false)

export function applyTheme(choice?: 'dark' | 'light'): void {
  if (choice) localStorage.setItem(KEPT, choice)
  const kept = localStorage.getItem(KEPT)
  dark.value = kept ? kept === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.classList.toggle('dark', dark.value)
}

export const toggleTheme = () => applyTheme(dark.value ? 'light' : 'dark')
