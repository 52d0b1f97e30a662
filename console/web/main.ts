import '@fontsource/barlow-semi-condensed/latin-500.css'
import '@fontsource/barlow-semi-condensed/latin-600.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import './theme/tokens.css'
import './theme/base.css'
import './theme/element.css'
import { createApp } from 'vue'
import { createPinia } from 'pinia'
import App from './App.vue'
import { onSignedOut } from './api/client'
import { i18n, keptLocale, useLocale } from './i18n'
import { router } from './router'
import { useDesk } from './stores/desk'
import { useSession } from './stores/session'
import { applyTheme } from './theme/scheme'

applyTheme()
useLocale(keptLocale())

const app = createApp(App)
app.use(createPinia())
app.use(i18n)
app.use(router)

onSignedOut(() => {
  const inCall = useDesk().current !== null
  useSession().lost(inCall)
  // Another page would take the headset out of the call: the desk asks for the password itself (SignInAgain).
  if (inCall) return
  void router.replace({ name: 'login', query: { to: router.currentRoute.value.fullPath } })
})

app.mount('#app')
