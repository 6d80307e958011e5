export default import.meta.glob<Record<string, string>>('./en/start/*.json', { eager: true, import: 'default' })
