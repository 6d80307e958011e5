// A ready flow: its drawing, what it does, what it needs.
import { Cable, CircleCheck } from 'lucide-react'
import { Diagram } from '../../kit/diagram'
import { t } from '../../lib/text'
import type { Template } from '../templates'
import '../../styles/templates.css'

export function TemplateCard({
  template,
  onUse,
}: {
  template: Template
  onUse?: ((template: Template) => void) | undefined
}) {
  const needs = template.needs.map((one) => one.title)
  return (
    <li className="card card-link template">
      <Diagram steps={template.steps} edges={template.edges as [string, string][]} />
      <h2>
        {onUse ? (
          <button type="button" className="cover" onClick={() => onUse(template)}>
            {template.title}
          </button>
        ) : (
          template.title
        )}
      </h2>
      <p className="soft card-text">{template.summary}</p>
      <p className="card-foot">
        {needs.length === 0 ? (
          <span className="badge" data-tone="ok">
            <CircleCheck size={14} aria-hidden="true" />
            {t('templates.ready')}
          </span>
        ) : (
          [...new Set(needs)].map((one) => (
            <span key={one} className="badge">
              <Cable size={14} aria-hidden="true" />
              {one}
            </span>
          ))
        )}
        <span className="soft">{t('templates.steps', { n: template.steps.length })}</span>
      </p>
    </li>
  )
}
