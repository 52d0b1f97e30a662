import { ElMessageBox } from 'element-plus'
import 'element-plus/es/components/message-box/style/css'
import { i18n } from '@/i18n'

/** Asks before unsaved changes are lost; gives whether they may be. */
export async function askToLeave(text?: string, yes?: string): Promise<boolean> {
  const { t } = i18n.global
  try {
    await ElMessageBox.confirm(text ?? t('routing.leaveText'), t('routing.leaveTitle'), {
      confirmButtonText: yes ?? t('routing.leave'),
      cancelButtonText: t('routing.stay'),
      type: 'warning',
      autofocus: false,
    })
    return true
  } catch (reason) {
    // the box rejects with the word for how it was closed
    if (reason === 'cancel' || reason === 'close') return false
    throw reason
  }
}
