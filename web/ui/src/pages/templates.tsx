// Ready flows: look at one, say where it goes and which connections it uses, and it is yours.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call'
import type { Answer } from '../api/call'
import { useMay } from '../app/me'
import { useTitle } from '../app/title'
import { Choice } from '../kit/choice'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../kit/parts'
import { t } from '../lib/text'
import { TemplateCard } from './templates/card'
import { UseTemplate } from './templates/use'

export type Template = Answer<'GET /templates'>[number]
export const useTemplates = (enabled = true) =>
  useQuery({ queryKey: ['templates'], queryFn: () => call('GET /templates'), staleTime: Infinity, enabled })

export default function Templates() {
  useTitle(t('places.templates'))
  const [q, setQ] = useState('')
  const [only, setOnly] = useState('all')
  const [chosen, setChosen] = useState<Template | null>(null)
  const may = useMay('flow:create')
  const { data, error, refetch } = useTemplates()
  const words = q.toLowerCase().split(/\s+/)
  const shown = data?.filter((one) => {
    const text = [one.title, one.summary, ...one.steps.map((step) => `${step.label} ${step.type}`)]
      .join(' ')
      .toLowerCase()
    return (
      words.every((word) => text.includes(word)) && (only === 'all' || (only === 'ready') === (one.needs.length === 0))
    )
  })
  return (
    <Page title={t('places.templates')} text={t('templates.about')}>
      <div className="filters">
        <SearchBox label={t('templates.search')} value={q} onChange={setQ} />
        <Choice
          label={t('templates.needs')}
          value={only}
          options={['all', 'ready', 'connected'].map((one) => [one, t(`templates.only.${one}`)])}
          onChange={setOnly}
        />
      </div>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !shown ? (
        <Waiting what={t('places.templates')} />
      ) : shown.length === 0 ? (
        <Empty title={t('templates.none')} text={t('templates.none.why')}>
          <button
            type="button"
            className="button"
            onClick={() => {
              setQ('')
              setOnly('all')
            }}
          >
            {t('templates.all')}
          </button>
        </Empty>
      ) : (
        <ul className="cards">
          {shown.map((one) => (
            <TemplateCard key={one.id} template={one} onUse={may ? setChosen : undefined} />
          ))}
        </ul>
      )}
      {chosen && <UseTemplate template={chosen} onClose={() => setChosen(null)} />}
    </Page>
  )
}
