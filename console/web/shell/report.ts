/** Tells the user of a failure or a success, briefly, at the foot of the screen, where no button is covered. */
import { ElMessage } from 'element-plus'
import 'element-plus/es/components/message/style/css'
import { failure } from '@/words/failure'

export function tellFailure(error: unknown): void {
  ElMessage({
    placement: 'bottom',
    type: 'error',
    message: failure(error),
    duration: 6000,
    showClose: true,
    grouping: true,
  })
}

export function tellDone(message: string): void {
  ElMessage({ placement: 'bottom', type: 'success', message, duration: 2500, grouping: true })
}

export function tellWarning(message: string): void {
  ElMessage({ placement: 'bottom', type: 'warning', message, duration: 4000, grouping: true })
}

/** Runs an action and tells its failure; gives whether it went well. */
export async function attempt(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action()
    return true
  } catch (error) {
    tellFailure(error)
    return false
  }
}
