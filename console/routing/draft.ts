/** The routing document as it is being edited: kept apart from what is saved, undone step by step, checked as it grows. */
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { ApiError } from '@/api/client'
import { checkRouting, currentRouting, saveRouting, type Current, type RoutingDocument } from '@/api/routing'
import { i18n } from '@/i18n'
import { History } from './history'
import { asSent } from './parts'
import type { Problem } from './place'
import { problemOf } from './refusal'

/** A pause this long ends one step of editing; the check follows. */
const PAUSE_MS = 350

/** What the API sent, with null and missing fields as the editors expect them. */
const copyOf = (document: RoutingDocument) => JSON.parse(JSON.stringify(document)) as RoutingDocument

const say = (key: string, names: Record<string, string> = {}) =>
  i18n.global.t(`routing.problem.${key}`, names)

export function useDraft(failed: (error: unknown) => void) {
  const base = shallowRef<Current | null>(null)
  const draft = ref<RoutingDocument | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** What saving would change, in the server's words. */
  const changes = shallowRef<string[]>([])
  const checking = ref(false)
  const edited = ref(false)
  const steps = ref({ undo: false, redo: false })
  let history = new History('')
  let start = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  let turn = 0

  const dirty = computed(() => edited.value || changes.value.length > 0)
  const savable = computed(
    () => dirty.value && !checking.value && problem.value === null && changes.value.length > 0,
  )

  function noted(): void {
    const now = JSON.stringify(draft.value)
    history.record(now)
    edited.value = now !== start
    steps.value = { undo: history.canUndo, redo: history.canRedo }
  }

  async function check(): Promise<void> {
    const mine = (turn += 1)
    const [document, from] = [draft.value, base.value]
    if (!document || !from) return
    checking.value = true
    try {
      const told = await checkRouting(asSent(document), from.version)
      if (mine !== turn) return
      problem.value = null
      changes.value = told.changes
    } catch (error) {
      if (mine !== turn) return
      problem.value = problemOf(error, say)
      if (problem.value === null) failed(error)
    } finally {
      if (mine === turn) checking.value = false
    }
  }

  function settle(): void {
    clearTimeout(timer)
    noted()
    void check()
  }

  watch(
    draft,
    () => {
      if (JSON.stringify(draft.value) === start && !edited.value) return
      edited.value = true
      checking.value = true
      clearTimeout(timer)
      timer = setTimeout(settle, PAUSE_MS)
    },
    { deep: true },
  )
  onScopeDispose(() => clearTimeout(timer))

  function take(current: Current): void {
    clearTimeout(timer)
    base.value = current
    draft.value = copyOf(current.routing)
    start = JSON.stringify(draft.value)
    history = new History(start)
    edited.value = false
    problem.value = null
    changes.value = []
    steps.value = { undo: false, redo: false }
    void check()
  }

  const load = async () => take(await currentRouting())

  function step(back: boolean): void {
    noted()
    const state = back ? history.undo() : history.redo()
    if (state === null) return
    draft.value = JSON.parse(state) as RoutingDocument
    settle()
  }

  function discard(): void {
    if (base.value) take(base.value)
  }

  /** Onto the version that was edited, or onto another one that is to be saved over. Raises ApiError. */
  async function save(note: string, onto?: number) {
    const [document, from] = [draft.value, base.value]
    if (!document || !from) throw new ApiError(0, 'offline', '')
    try {
      const saved = await saveRouting(asSent(document), onto ?? from.version, note)
      await load()
      return saved
    } catch (error) {
      const refused = problemOf(error, say)
      if (refused) problem.value = refused
      throw error
    }
  }

  return {
    base,
    draft,
    problem,
    changes,
    checking,
    dirty,
    savable,
    steps,
    load,
    check,
    /** What was done so far is a step of its own. */
    mark: noted,
    undo: () => step(true),
    redo: () => step(false),
    discard,
    save,
  }
}
