// How one is called, and how the pages look in this browser.
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { Me } from '../../api/types.gen'
import { chooseTheme, useTheme } from '../../app/theme'
import type { Theme } from '../../app/theme'
import { useAct } from '../../kit/act'
import { Refused } from '../../kit/ask'
import { Segments, SelectField, TextField } from '../../kit/fields'
import { Face, Section } from '../../kit/section'
import { roleWord } from '../../lib/rights'
import { choose, language, languages, t } from '../../lib/text'

const FIELDS = ['full_name', 'photo_url']
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone

export function You({ me: { user, role, role_name: roleName, organization } }: { me: Me }) {
  const [name, setName] = useState(user.full_name)
  const { busy, errors, act } = useAct(FIELDS)
  const save = () =>
    act(async () => {
      await call('PATCH /auth/me', { body: { full_name: name }, version: user.row_version })
      stale('me')
    }, t('profile.saved'))
  return (
    <div className="sections">
      <Section title={t('profile.person')} text={t('profile.person.text')} side>
        <form
          className="narrow-form"
          onSubmit={(event) => {
            event.preventDefault()
            void save()
          }}
        >
          <p className="person">
            <Face name={user.full_name} />
            <span>
              <strong>{user.full_name}</strong>
              <span className="soft">
                {t('profile.roleIn', { role: roleWord(role, roleName), organization: organization.name })}
              </span>
            </span>
          </p>
          <TextField
            label={t('profile.name')}
            value={name}
            onChange={setName}
            required
            maxLength={200}
            autoComplete="name"
            error={errors.full_name}
          />
          <Refused errors={errors} />
          <button className="button primary" disabled={busy || !name.trim() || name === user.full_name}>
            {t('admin.save')}
          </button>
        </form>
      </Section>
      <Look />
    </div>
  )
}

function Look() {
  const theme = useTheme((state) => state.theme)
  return (
    <Section title={t('profile.look')} text={t('profile.look.text')} side>
      <div className="narrow-form">
        <Segments
          label={t('profile.theme')}
          value={theme}
          onChange={(value) => chooseTheme(value as Theme)}
          choices={[
            { value: 'system', word: t('profile.system') },
            { value: 'light', word: t('profile.light') },
            { value: 'dark', word: t('profile.dark') },
          ]}
        />
        <SelectField
          label={t('profile.language')}
          value={language}
          onChange={choose}
          choices={languages().map(({ id, name }) => ({ value: id, word: name }))}
          help={t('profile.zone', { zone })}
        />
      </div>
    </Section>
  )
}
