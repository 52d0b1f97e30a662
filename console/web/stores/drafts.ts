/** What an agent has written down for a call and not saved yet: kept over a reload, dropped once saved. */
import { reactive } from 'vue'
import { defineStore } from 'pinia'

export interface Draft {
  code: string
  note: string
}

const KEPT = 'sansheng.drafts'
const KEEP = 20

function kept(): Record<string, Draft> {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') as Record<string, Draft>
  } catch {
    sessionStorage.removeItem(KEPT)
    return {}
  }
}

export const useDrafts = defineStore('drafts', () => {
  const drafts = reactive<Record<string, Draft>>(kept())

  function store(): void {
    const ids = Object.keys(drafts)
    for (const id of ids.slice(0, Math.max(0, ids.length - KEEP))) Reflect.deleteProperty(drafts, id)
    sessionStorage.setItem(KEPT, JSON.stringify(drafts))
  }

  const of = (call: string): Draft => drafts[call] ?? { code: '', note: '' }

  function write(call: string, change: Partial<Draft>): void {
    drafts[call] = { ...of(call), ...change }
    store()
  }

  function drop(call: string): void {
    Reflect.deleteProperty(drafts, call)
    store()
  }

  return { of, write, drop }
})
