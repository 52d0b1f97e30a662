/** What the parts of the routing page share: the document, what is wrong with it, prompts, and how things are called. */
import { inject, provide, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import type { HoursStatus, Label, Prompt, QueueStatus, RoutingDocument, Step } from '@/api/routing'
import { i18n, locale, word } from '@/i18n'
import { messageAt, type Part, type Problem } from './place'

export interface RoutingDesk {
  document: Ref<RoutingDocument>
  problem: Ref<Problem | null>
  prompts: Ref<Prompt[]>
  lines: ComputedRef<string[]>
  readonly: ComputedRef<boolean>
  hours: ComputedRef<Map<string, HoursStatus>>
  /** The zone of the document in force; empty until it is known. */
  timezone: ComputedRef<string>
  queues: ComputedRef<Map<string, QueueStatus>>
  chosen: Ref<Part | null>
}

const KEY: InjectionKey<RoutingDesk> = Symbol('routing desk')

export const provideDesk = (desk: RoutingDesk) => provide(KEY, desk)

export function useRoutingDesk() {
  const desk = inject(KEY)
  if (!desk) throw new Error('there is no routing desk around this part')
  const named = (things: readonly { name: string; label: Label }[], name: string) =>
    labelled(things.find((one) => one.name === name)?.label) || name
  return {
    ...desk,
    messageAt: (at: string) => messageAt(desk.problem.value, at),
    queueName: (name: string) => named(desk.document.value.queues, name),
    menuName: (name: string) => named(desk.document.value.menus, name),
    hoursName: (name: string) => named(desk.document.value.hours, name),
    soundName: (name: string) => soundName(desk.prompts.value, name),
  }
}

/** In the user's language, in the other one where it has none. */
export function labelled(label: Label | undefined): string {
  if (!label) return ''
  return locale.value === 'en' ? label.en || label.zh : label.zh || label.en
}

export function soundName(prompts: readonly Prompt[], name: string): string {
  const own = prompts.find((one) => one.name === name && one.source !== 'shipped')
  const label = own ? labelled({ zh: own.label_zh, en: own.label_en }) : word('routing.sounds', name)
  return label || name
}

/** What an end of the way is, in a line: `dial 0571…`, `voicemail`. */
export function endName(step: Step): string {
  return i18n.global.t(`routing.ends.${step.kind}`, { to: step.kind === 'number' ? step.number || '…' : '' })
}
