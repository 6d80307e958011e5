// What differs, in words: each step with its settings before and after.
import { useEffect, useRef } from 'react'
import type { Json, NodeType } from '../../api/types'
import { Tile } from '../../kit/tile'
import { t } from '../../lib/text'
import { lines } from '../../flow/diff'
import type { Difference, Setting, StepChange } from '../../flow/diff'
import { KindBadge, SIGNS } from './drawn'

export function Changes({
  found,
  types,
  chosen,
  choose,
}: {
  found: Difference
  types: NodeType[]
  chosen: string
  choose: (id: string) => void
}) {
  const order = ['removed', 'added', 'changed']
  const steps = found.steps
    .filter((one) => one.kind !== 'same')
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
  const label = (id: string) => found.steps.find((one) => one.id === id)?.node.data.label || id
  const wires = found.wires.filter((one) => one.kind !== 'same')
  if (!steps.length && !wires.length) return <p className="soft pad">{t('versions.alike')}</p>
  return (
    <div className="changes" tabIndex={0} role="region" aria-label={t('versions.changes')}>
      {steps.map((one) => (
        <Step
          key={one.id}
          change={one}
          type={types.find((type) => type.id === one.node.data.nodeType)}
          chosen={one.id === chosen}
          choose={() => choose(one.id)}
        />
      ))}
      {wires.length > 0 && (
        <section className="change">
          <h3>{t('versions.wires')}</h3>
          <ul className="change-wires">
            {wires.map(({ edge, kind }) => {
              const Sign = SIGNS[kind]
              return (
                <li key={edge.id} data-kind={kind}>
                  <Sign size={12} aria-label={t(`versions.kind.${kind}`)} /> {label(edge.source)} → {label(edge.target)}
                </li>
              )
            })}
          </ul>
        </section>
      )}
    </div>
  )
}

function Step({
  change,
  type,
  chosen,
  choose,
}: {
  change: StepChange
  type: NodeType | undefined
  chosen: boolean
  choose: () => void
}) {
  const { kind, node, settings } = change
  const place = useRef<HTMLElement>(null)
  useEffect(() => {
    if (chosen) place.current?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  return (
    <section
      className="change"
      ref={place}
      data-chosen={chosen || undefined}
      aria-label={node.data.label || type?.title || change.id}
    >
      <header className="row">
        <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} small />
        <button type="button" className="cell-link" onClick={choose}>
          {node.data.label || type?.title || change.id}
        </button>
        <span className="grow" />
        <KindBadge kind={kind} />
      </header>
      {settings.map((one) => (
        <Pair key={one.path} setting={one} title={titleOf(one.path, type)} />
      ))}
    </section>
  )
}

const OWN = new Set(['label', 'nodeType', 'nodeVersion', 'disabled', 'retry', 'timeout', 'onError', 'notes', 'parent'])

/** A setting by the words of its form. */
function titleOf(path: string, type: NodeType | undefined): string {
  const [head = '', ...rest] = path.split('.')
  if (head !== 'config') return OWN.has(head) ? [t(`versions.part.${head}`), ...rest].join(' · ') : path
  const field = rest[0] ?? ''
  return [type?.schema.properties?.[field]?.title ?? field, ...rest.slice(1)].filter(Boolean).join(' · ')
}

const said = (value: Json | undefined) =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value, null, 2)

function Pair({ setting: { before, after }, title }: { setting: Setting; title: string }) {
  const [a, b] = [said(before), said(after)]
  const long = a.includes('\n') || b.includes('\n')
  const shown = long
    ? lines(a, b)
    : [
        ...(before === undefined ? [] : [{ kind: 'removed' as const, text: a }]),
        ...(after === undefined ? [] : [{ kind: 'added' as const, text: b }]),
      ]
  return (
    <div className="setting-diff">
      <h4>{title}</h4>
      <pre>
        {shown.map((line, at) => (
          <span key={at} data-kind={line.kind}>
            <span className="sr">{line.kind === 'same' ? '' : t(`versions.kind.${line.kind}`)}</span>
            <span className="setting-sign" aria-hidden="true">
              {line.kind === 'added' ? '+' : line.kind === 'removed' ? '−' : ' '}
            </span>
            {line.text || ' '}
          </span>
        ))}
      </pre>
    </div>
  )
}
