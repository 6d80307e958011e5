// For whoever has no flow of their own yet: three ready ones that run at once.
import { useState } from 'react'
import { Link } from 'wouter'
import { useMay } from '../../app/me'
import { t } from '../../lib/text'
import { useTemplates } from '../templates'
import type { Template } from '../templates'
import { TemplateCard } from '../templates/card'
import { UseTemplate } from '../templates/use'

const SHOWN = 3

export default function Starters() {
  const [chosen, setChosen] = useState<Template | null>(null)
  const ready = useTemplates(useMay('template:read'))
    .data?.filter((one) => one.needs.length === 0)
    .sort((a, b) => a.steps.length - b.steps.length)
    .slice(0, SHOWN)
  if (!ready?.length) return null
  return (
    <section className="starters" aria-labelledby="starters">
      <header className="row">
        <h2 id="starters" className="grow">
          {t('templates.starters')}
        </h2>
        <Link href="/templates">{t('templates.all')}</Link>
      </header>
      <ul className="cards">
        {ready.map((one) => (
          <TemplateCard key={one.id} template={one} onUse={setChosen} />
        ))}
      </ul>
      {chosen && <UseTemplate template={chosen} onClose={() => setChosen(null)} />}
    </section>
  )
}
