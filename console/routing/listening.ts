/** One prompt is heard at a time, on the whole page. */
import { ref } from 'vue'
import { promptAudio } from '@/api/routing'
import { i18n } from '@/i18n'
import { tellWarning } from '@/shell/report'

/** Name of the prompt that is playing; empty: none. */
export const heard = ref('')

let sound: HTMLAudioElement | null = null

export function quiet(): void {
  sound?.pause()
  sound = null
  heard.value = ''
}

/** Play it from its beginning; again: stop. */
export function listen(name: string): void {
  const again = heard.value === name
  quiet()
  if (again) return
  const playing = new Audio(promptAudio(name))
  sound = playing
  heard.value = name
  playing.onended = () => {
    if (sound === playing) quiet()
  }
  playing.play().catch((error: unknown) => {
    // stopped before it began
    if (sound !== playing || (error instanceof DOMException && error.name === 'AbortError')) return
    quiet()
    tellWarning(i18n.global.t('routing.prompts.listenFailed'))
  })
}
