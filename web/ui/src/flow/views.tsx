// The heavy views of results, each loaded when one looks at it.
import { Suspense, lazy } from 'react'
import type { ComponentType } from 'react'
import { Waiting } from '../kit/parts'
import { t } from '../lib/text'

/** A part that is loaded when it is shown; one that is mostly closed waits `unseen`. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>, unseen = false): ComponentType<P> {
  const Shown = lazy(() => load().then((loaded) => ({ default: loaded as ComponentType<object> })))
  return (given) => (
    <Suspense fallback={unseen ? null : <Waiting what={t('results.view')} />}>
      <Shown {...given} />
    </Suspense>
  )
}

export const StepOutput = later(() => import('./output').then((all) => all.StepOutput))
export const Timeline = later(() => import('./timeline').then((all) => all.Timeline))
export const Logs = later(() => import('./logs').then((all) => all.Logs))
