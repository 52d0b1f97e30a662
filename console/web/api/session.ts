import { get, patch, post, remove } from './client'

export type Role = 'agent' | 'reviewer' | 'supervisor' | 'admin'
export type Locale = 'zh-CN' | 'en'

export interface User {
  username: string
  display_name: string
  role: Role
  locale: string
}

export const signIn = (username: string, password: string) =>
  post<{ user: User }>('/api/session', { username, password })
/** Null: nobody is signed in here. */
export const whoAmI = async () => (await get<{ user: User | null }>('/api/session')).user
export const signOut = () => remove<unknown>('/api/session')
export const chooseLocale = (locale: Locale) => patch<unknown>('/api/me', { locale })
/** `mobile` is masked. */
export const ownSettings = () => get<{ mobile: string }>('/api/me')
