export default import.meta.glob<Record<string, string>>('./de/start/*.json', { eager: true, import: 'default' })
