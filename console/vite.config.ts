import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import components from 'unplugin-vue-components/vite'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The web process that a development server passes API calls and sockets on to. */
const WEB_PROCESS = process.env['SANSHENG_WEB'] ?? 'http://127.0.0.1:8080'

export default defineConfig(({ mode }) => {
  // The headset's test bench is a page of its own, never part of the product's build.
  const bench = mode === 'headset-bench'
  return {
    root: here('web'),
    plugins: [
      vue(),
      components({
        dts: false,
        dirs: [],
        resolvers: [ElementPlusResolver({ importStyle: 'css' })],
      }),
    ],
    resolve: {
      alias: {
        '@': here('web'),
        '@desks': here('.'),
      },
    },
    worker: { format: 'es' },
    build: {
      outDir: bench ? (process.env['HEADSET_BENCH_OUT'] ?? here('../build/headset-bench')) : here('static'),
      emptyOutDir: true,
      target: 'es2022',
      // A strict Content-Security-Policy refuses data: scripts, so nothing is inlined.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1200,
      rolldownOptions: { input: here(bench ? 'web/headset/bench.html' : 'web/index.html') },
    },
    server: {
      fs: { allow: [here('.')] },
      proxy: {
        '/api': WEB_PROCESS,
        '/healthz': WEB_PROCESS,
        '/metrics': WEB_PROCESS,
        '/openapi.json': WEB_PROCESS,
        '/ws': { target: WEB_PROCESS, ws: true },
      },
    },
    test: {
      root: here('.'),
      include: ['web/**/*.test.ts', '*/*.test.ts'],
      environment: 'node',
    },
  }
})
