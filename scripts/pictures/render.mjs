// Renders every case of cases.json as a reader sees it, onto contact sheets: each channel, light and dark, wide and
// narrow (360 px). It measures on the way whether what a reader needs to judge an alert is in sight on a phone without
// scrolling, and prints the list.
//
// usage: node render.mjs CASES.json FOLDER
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { hostConfig, page } from './hostconfig.mjs'

const require = createRequire(import.meta.url)
const { Message } = require('slack-blocks-to-jsx')
const file = (name) => join(dirname(require.resolve(name + '/package.json')), 'dist')

const [casesFile, out] = process.argv.slice(2)
const all = JSON.parse(readFileSync(casesFile, 'utf8'))
const cases = all.filter((c) => !c.sheet)
const work = mkdtempSync(join(tmpdir(), 'pictures-'))
const browser = ['chromium', 'chromium-browser', 'google-chrome'].find((b) => existsSync(join('/usr/bin', b)))
const at = new Date('2026-11-22T09:41:02Z')

const html = (text) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c])

// Slack shows times in the reader's zone; a picture shows UTC.
process.env.TZ = 'UTC'

const channels = {
  slack: {
    head: () => `<link rel="stylesheet" href="file://${file('slack-blocks-to-jsx')}/style.css"><style>.case .body{padding:4px 10px}
      .case .body *{min-width:0;overflow-wrap:anywhere}.case .slack_inline_code{display:inline!important} /* Slack wraps within code */</style>`,
    body: (c, theme) => renderToStaticMarkup(createElement(Message, { theme, name: 'Auditbell', logo: logo, time: at, blocks: c.preview.slack.blocks })),
    page: { light: '#ffffff', dark: '#1a1d21' },
  },
  teams: {
    head: () => `<script src="file://${file('adaptivecards')}/adaptivecards.min.js"></script><style>
      .card{border:1px solid #8884;border-radius:6px;overflow:hidden}
      .ac-pushButton{font:600 13px 'Segoe UI',Lato,sans-serif;padding:5px 12px;border:1px solid #8888;border-radius:4px;background:none;color:inherit}</style>`,
    body: (c, theme) => `<div class="card" data-card="${html(JSON.stringify(c.preview.teams.attachments[0].content))}"></div>`,
    page,
    script: (theme) => `for (const at of document.querySelectorAll('[data-card]')) {
      const card = new AdaptiveCards.AdaptiveCard(); card.hostConfig = new AdaptiveCards.HostConfig(${JSON.stringify(hostConfig(theme))})
      card.parse(JSON.parse(at.dataset.card)); at.appendChild(card.render()); at.style.color = ${JSON.stringify(theme === 'dark' ? '#fff' : '#252424')} }`,
  },
  mail: {
    head: () => '<style>iframe{border:0;width:100%;display:block}</style>',
    body: (c) => `<iframe srcdoc="${html(c.preview.mail.html)}"></iframe>`,
    page: { light: '#f5f7f9', dark: '#14181d' },
  },
}

const logo = 'data:image/svg+xml,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><rect width="36" height="36" rx="6" fill="#0b5cad"/><path d="M18 7a7 7 0 0 0-7 7v6l-2 4h18l-2-4v-6a7 7 0 0 0-7-7zm-3 19a3 3 0 0 0 6 0z" fill="#fff"/></svg>')

// inPage runs in the browser: it fits iframes to their content, finds where each needed text ends, and leaves both as the
// title, which --dump-dom prints.
function inPage() {
  for (const f of document.querySelectorAll('iframe')) f.style.height = f.contentDocument.documentElement.scrollHeight + 'px'
  const found = {}
  const bottom = (root, doc, offset, want) => {
    const walker = doc.createTreeWalker(root, 4)
    let text = ''
    const spans = []
    for (let n = walker.nextNode(); n; n = walker.nextNode()) {
      if (!n.parentElement.getClientRects().length) continue
      for (let i = 0; i < n.data.length; i++) {
        if (/\s/.test(n.data[i]) && (text === '' || text.endsWith(' '))) continue
        text += /\s/.test(n.data[i]) ? ' ' : n.data[i]
        spans.push([n, i])
      }
    }
    const start = text.indexOf(want)
    if (start < 0) return null
    const range = doc.createRange()
    range.setStart(...spans[start])
    const [node, i] = spans[start + want.length - 1]
    range.setEnd(node, i + 1)
    return Math.round(range.getBoundingClientRect().bottom + offset)
  }
  const widest = []
  for (const box of document.querySelectorAll('.case')) {
    const frame = box.querySelector('iframe')
    const root = frame ? frame.contentDocument.body : box.querySelector('.body')
    const top = box.querySelector('.body').getBoundingClientRect().top
    const over = root.scrollWidth - root.clientWidth
    if (over > 1) widest.push([box.dataset.name, over])
    found[box.dataset.name] = Object.fromEntries(Object.entries(JSON.parse(box.dataset.judge)).filter(([, v]) => v)
      .map(([k, v]) => [k, bottom(root, frame ? frame.contentDocument : document, frame ? 0 : -top, v)]))
  }
  document.title = JSON.stringify({ height: Math.ceil(document.body.getBoundingClientRect().bottom) + 16, found, widest })
}

const columnsOf = (width, shown) => Math.min(width > 400 ? 3 : 5, shown.length)

function sheet(channel, theme, width, shown) {
  const c = channels[channel]
  const columns = columnsOf(width, shown)
  const boxes = shown.map((one) => `<section class="case" data-name="${html(one.name)}" data-judge="${html(JSON.stringify(one.judge))}">
    <h2>${html(one.name)}</h2><div class="body">${c.body(one, theme)}</div></section>`).join('\n')
  return `<!doctype html><meta charset="utf-8"><title></title>${c.head()}<style>
    html{background:${theme === 'dark' ? '#000' : '#dfe3e8'};color-scheme:${theme}} body{margin:16px;columns:${columns};column-gap:16px;width:${columns * (width + 16) - 16}px}
    .case{break-inside:avoid;width:${width}px;margin:0 0 16px} .case h2{font:600 13px Lato,sans-serif;margin:0 0 4px;color:${theme === 'dark' ? '#aaa' : '#555'}}
    .case .body{background:${c.page[theme]};overflow:hidden;width:${width}px;box-sizing:border-box}</style>
    ${boxes}<script>addEventListener('load',()=>{${c.script?.(theme) ?? ''};(${inPage})()})</script>`
}

function chromium(theme, ...args) {
  const profile = mkdtempSync(join(work, 'profile-'))
  return execFileSync(browser, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--hide-scrollbars', '--allow-file-access-from-files', '--user-data-dir=' + profile, '--timeout=6000',
    ...(theme === 'dark' ? ['--blink-settings=preferredColorScheme=0'] : ['--blink-settings=preferredColorScheme=1']), ...args],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 })
}

// picture draws one sheet and returns what was measured on it.
function picture(name, channel, theme, width, shown) {
  const source = join(work, name + '.html')
  writeFileSync(source, sheet(channel, theme, width, shown))
  const columns = columnsOf(width, shown)
  const size = (height) => `--window-size=${columns * (width + 16) + 16},${height}`
  const dom = chromium(theme, size(2000), '--dump-dom', 'file://' + source)
  const title = dom.match(/<title>(.*?)<\/title>/s)[1].replace(/&(amp|lt|gt|quot);/g, (_, e) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[e])
  const measured = JSON.parse(title)
  const png = join(resolve(out), name + '.png')
  chromium(theme, size(measured.height), '--screenshot=' + png, 'file://' + source)
  try { // a fifth of the bytes; the pictures are as good without
    execFileSync('pngquant', ['--force', '--speed', '1', '--strip', '--nofs', '--output', png, '16', png], { stdio: 'ignore' })
  } catch { /* not installed */ }
  return measured
}

const screen = 640 // px: what a phone of 360 × 800 shows of a message below the app's own bars
mkdirSync(out, { recursive: true })
const sheets = []
for (const channel of Object.keys(channels)) {
  for (const [look, theme, width] of [['light-wide', 'light', 640], ['dark-wide', 'dark', 640], ['light-narrow', 'light', 360], ['dark-narrow', 'dark', 360]]) {
    const measured = picture(`${channel}-${look}`, channel, theme, width, cases)
    sheets.push({ channel, look, ...measured })
    for (const [name, over] of measured.widest) console.error(`${channel} ${look}: ${name} is ${over} px too wide`)
  }
}
// Sheets of their own, on the narrowest screen: each kind of summary, and the headline of each state where it is shown.
for (const [name, list] of [['summaries', Object.keys(channels)], ['states', ['slack']]]) {
  for (const channel of list) {
    for (const theme of ['light', 'dark']) {
      const measured = picture(`${name}-${channel}-${theme}-320`, channel, theme, 320, all.filter((c) => c.sheet === name))
      if (theme === 'light') sheets.push({ channel, look: 'light-narrow', ...measured })
      for (const [one, over] of measured.widest) console.error(`${name} ${channel} ${theme}: ${one} is ${over} px too wide`)
    }
  }
}
for (const channel of ['slack', 'teams']) picture(`alert-${channel}`, channel, 'light', 520, cases.slice(0, 1)) // for the README

let bad = false
console.log(`in sight on the first ${screen} px of a screen 360 px wide (the number is where the last of it ends):\n`)
for (const s of sheets.filter((s) => s.look === 'light-narrow')) {
  for (const [name, found] of Object.entries(s.found)) {
    const needs = Object.entries(found)
    if (!needs.length) continue
    const hidden = needs.filter(([, y]) => y === null || y > screen).map(([k, y]) => `${k} ${y === null ? 'not found' : 'at ' + y}`)
    bad ||= hidden.length > 0
    console.log(`${s.channel.padEnd(6)} ${name.padEnd(40)} ${hidden.length ? 'NOT: ' + hidden.join(', ') : String(Math.max(...needs.map(([, y]) => y))).padStart(4)}`)
  }
}
rmSync(work, { recursive: true, force: true })
process.exitCode = bad ? 1 : 0
