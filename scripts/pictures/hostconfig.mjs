// How Teams draws Adaptive Cards: sizes and colours as in Microsoft's own host configurations for Teams, light and dark
// (microsoft/AdaptiveCards, samples/HostConfig/microsoft-teams-*.json, 2026). Only what our cards use is set.

const ink = { light: ['#252424', '#bf252424'], dark: ['#ffffff', '#bfffffff'], onColour: ['#201f1f', '#ff2d2c2c'] }

// Cards in the dark theme have light bands with dark text on them: these are the samples' own colours.
const bands = { accent: '#C7DEF9', good: '#CCFFCC', attention: '#FFC5B2', warning: '#FFE2B2' }

const style = (backgroundColor, [text, subtle]) => ({
  backgroundColor,
  foregroundColors: { default: { default: text, subtle }, accent: { default: text, subtle }, attention: { default: text, subtle } },
})

export function hostConfig(theme) {
  const font = (fontFamily) => ({
    fontFamily,
    fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
    fontWeights: { lighter: 200, default: 400, bolder: 600 },
  })
  const onBand = theme === 'dark' ? ink.onColour : ink.light
  const styles = { default: style(page[theme], ink[theme]), emphasis: style(theme === 'dark' ? '#292828' : '#f9f8f7', ink[theme]) }
  for (const [name, colour] of Object.entries(bands)) styles[name] = style(colour, onBand)
  return {
    supportsInteractivity: true,
    spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
    separator: { lineThickness: 1, lineColor: theme === 'dark' ? '#484644' : '#EEEEEE' },
    fontTypes: { default: font("'Segoe UI', Lato, 'DejaVu Sans', sans-serif"), monospace: font("'Courier New', 'Liberation Mono', monospace") },
    containerStyles: styles,
    actions: { maxActions: 6, spacing: 'default', buttonSpacing: 8, actionsOrientation: 'horizontal', actionAlignment: 'left' },
  }
}

export const page = { light: '#ffffff', dark: '#2d2c2c' }
