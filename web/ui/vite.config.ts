import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Built into the Python package; Litestar serves it under /static/dist/ and reads the manifest.
export default defineConfig({
  base: '/static/dist/',
  plugins: [react()],
  worker: { format: 'es' },
  build: {
    outDir: '../src/headrace_web/static/dist',
    emptyOutDir: true,
    manifest: 'manifest.json',
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: 'src/main.tsx',
      // Each file costs a request and 1 KB of headers: what the first page needs comes in one, and shared icons in another.
      output: {
        codeSplitting: {
          groups: [
            { name: 'frame', tags: ['$initial'], priority: 1 },
            { name: 'icons', test: /lucide-react/, minShareCount: 3 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/ws': { target: 'ws://127.0.0.1:8080', ws: true } } },
})
