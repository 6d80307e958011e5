// The start of the page.
import { QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import './app/theme'
import './styles/tokens.css'
import './styles/base.css'
import './styles/kit.css'
import './styles/pages.css'
import './styles/form.css'
import './styles/flow.css'
import { client } from './api/queries'
import { Shell } from './app/shell'
import { load } from './lib/text'

await load()
const root = document.getElementById('app')
if (root)
  createRoot(root).render(
    <QueryClientProvider client={client}>
      <Shell />
    </QueryClientProvider>,
  )
