// What we send to Slack, said with Slack's own types (@slack/types, MIT License, Copyright Slack Technologies, LLC): their
// blocks, narrowed to the elements that we use. Mentions, links and emoji are elements of their own; leaving them out here
// makes the schema refuse a message in which event text has become one.
import type {
  ActionsBlock, Button, ContextBlock, HeaderBlock, PlainTextElement, RichTextBlock, RichTextDate, RichTextList, RichTextPreformatted,
  RichTextQuote, RichTextSection, RichTextText, StaticSelect,
} from '@slack/types'

type With<Block, Elements> = Omit<Block, 'elements'> & { elements: Elements[] }
type Words = RichTextText | RichTextDate
type Section = With<RichTextSection, Words>
type Text = Section | With<RichTextQuote, Words> | With<RichTextPreformatted, Words> | With<RichTextList, Section>

export interface Message {
  text: string
  blocks: (HeaderBlock | With<RichTextBlock, Text> | With<ActionsBlock, Button | StaticSelect> | With<ContextBlock, PlainTextElement>)[]
}
