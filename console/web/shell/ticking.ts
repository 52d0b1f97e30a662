/** The server's time as a ref that moves on, one timer for the whole page, running only while something shows it. */
import { onScopeDispose, ref, type Ref } from 'vue'
import { serverNow } from '@/events/clock'

const EVERY_MS = 250
const now = ref(serverNow())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

export function useNow(): Ref<number> {
  users += 1
  now.value = serverNow()
  timer ??= setInterval(() => (now.value = serverNow()), EVERY_MS)
  onScopeDispose(() => {
    users -= 1
    if (users === 0) {
      clearInterval(timer)
      timer = undefined
    }
  })
  return now
}
