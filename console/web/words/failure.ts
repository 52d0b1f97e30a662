/** What to tell the user when a request failed: the code's own sentence, or the server's. */
import { ApiError } from '@/api/client'
import { i18n } from '@/i18n'

const BY_STATUS: Record<number, string> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
}

export function failure(error: unknown): string {
  const { t, te } = i18n.global
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  if (te(`error.${error.code}`, 'zh-CN')) return t(`error.${error.code}`)
  const word = BY_STATUS[error.status]
  if (error.status >= 500) return t('error.server', { code: error.code })
  if (error.message) return t('error.other', { message: error.message })
  return word ? t(`error.${word}`) : t('error.server', { code: error.code })
}
