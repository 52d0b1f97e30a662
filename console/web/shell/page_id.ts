import { ref, watch, type Ref } from 'vue'
import { useRoute } from 'vue-router'

/** The `id` in the address of the page `name`; a page that is kept alive keeps its own while another one is shown. */
export function usePageId(name: string): Ref<string> {
  const route = useRoute()
  const id = ref('')
  watch(
    () => [route.name, route.params['id']] as const,
    ([page, value]) => {
      if (page === name) id.value = typeof value === 'string' ? value : ''
    },
    { immediate: true },
  )
  return id
}
