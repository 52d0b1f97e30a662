import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import type { Role } from './api/session'
import { useSession } from './stores/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Who may open the page; empty: whoever is signed in. */
    roles?: Role[]
    open?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/login', name: 'login', component: () => import('./shell/LoginPage.vue'), meta: { open: true } },
  {
    path: '/',
    component: () => import('./shell/AppShell.vue'),
    children: [
      { path: '', name: 'home', redirect: () => homeOf(useSession().role) },
      {
        path: 'reception',
        name: 'reception',
        component: () => import('@desks/reception/ReceptionPage.vue'),
        meta: { roles: ['agent', 'supervisor'] },
      },
      {
        path: 'patients/:id?',
        name: 'patients',
        component: () => import('@desks/patients/PatientsPage.vue'),
      },
      { path: 'calls/:id?', name: 'calls', component: () => import('@desks/calls/CallsPage.vue') },
      {
        path: 'quality/:id?',
        name: 'quality',
        component: () => import('@desks/quality/QualityPage.vue'),
        meta: { roles: ['reviewer', 'supervisor', 'admin'] },
      },
      {
        path: 'floor',
        name: 'floor',
        component: () => import('@desks/floor/FloorPage.vue'),
        meta: { roles: ['supervisor', 'admin'] },
      },
      {
        path: 'tickets/:id?',
        name: 'tickets',
        component: () => import('@desks/tickets/TicketsPage.vue'),
        meta: { roles: ['agent', 'supervisor', 'admin'] },
      },
      {
        path: 'routing',
        name: 'routing',
        component: () => import('@desks/routing/RoutingPage.vue'),
        meta: { roles: ['supervisor', 'admin'] },
      },
      {
        path: 'directory',
        name: 'directory',
        component: () => import('@desks/directory/DirectoryPage.vue'),
        meta: { roles: ['admin'] },
      },
      {
        path: 'admin/:tab?',
        name: 'admin',
        component: () => import('@desks/admin/AdminPage.vue'),
        meta: { roles: ['admin', 'supervisor'] },
      },
    ],
  },
  { path: '/:rest(.*)*', redirect: '/' },
]

export function homeOf(role: Role | null): string {
  if (role === 'agent') return '/reception'
  if (role === 'reviewer') return '/quality'
  if (role === 'supervisor') return '/floor'
  if (role === 'admin') return '/admin'
  return '/login'
}

export const router = createRouter({ history: createWebHistory(), routes })

router.beforeEach(async (to) => {
  const session = useSession()
  if (session.user === null && !session.expired) {
    try {
      await session.restore()
    } catch {
      // The server cannot say: the login page does, when it is tried.
      if (!to.meta.open) return { name: 'login', query: { to: to.fullPath } }
    }
  }
  if (to.meta.open) return session.user ? homeOf(session.role) : true
  if (session.user === null) return { name: 'login', query: to.path === '/' ? {} : { to: to.fullPath } }
  if (to.meta.roles && session.role && !to.meta.roles.includes(session.role)) return homeOf(session.role)
  return true
})
