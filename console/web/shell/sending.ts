import { ref } from 'vue'
import { ApiError } from '@/api/client'
import { tellFailure } from './report'

export interface Wrong {
  field: string
  message: string
  code?: string
  /** Of a list of rows, which one. */
  row?: number
}

/** What a form needs to be sent: one request at a time, and a place beside its field for what is refused. */
export function useSending() {
  const busy = ref(false)
  const wrong = ref<Wrong | null>(null)

  const errorOf = (...fields: string[]) =>
    wrong.value && fields.includes(wrong.value.field) ? wrong.value.message : ''

  /**
   * Runs `act` unless one is under way. A refusal that names a field stands there, another one is told at the foot of
   * the screen; `meet` may take it before, and says whether it did.
   */
  async function send(
    act: () => Promise<unknown>,
    meet: (error: unknown) => Promise<boolean> | boolean = () => false,
  ): Promise<void> {
    if (busy.value) return
    busy.value = true
    wrong.value = null
    try {
      await act()
    } catch (error) {
      if (await meet(error)) return
      if (error instanceof ApiError && error.field)
        wrong.value = { field: error.field, message: error.message, code: error.code }
      else tellFailure(error)
    } finally {
      busy.value = false
    }
  }

  return { busy, wrong, errorOf, send }
}
