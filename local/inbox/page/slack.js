// A Slack message as Slack shows it: who, when, the blocks, the attachments with their color bar, the thread under it.
import { el, when, plural } from "./dom.js";
import { mrkdwn, unescape, emojiFor, slackDate } from "./mrkdwn.js";

/** slackMessage renders a conversation: {shown, at, edits, replies, asides}. */
export function slackMessage(talk) {
  return el("div", { class: "slack" },
    post(talk),
    talk.asides.length > 0 && el("div", { class: "thread" },
      el("p", { class: "thread-count" }, "Only visible to who clicked"),
      talk.asides.map((aside) => post(aside))),
    talk.replies.length > 0 && el("div", { class: "thread" },
      el("p", { class: "thread-count" }, plural(talk.replies.length, "reply", "replies")),
      talk.replies.map((reply) => post(reply))));
}

function post(message) {
  const shown = message.shown || {};
  const blocks = (shown.blocks || []).map(block);
  return el("div", { class: "post" },
    el("img", { class: "avatar", src: "bell.svg", alt: "" }),
    el("div", { class: "post-main" },
      el("p", { class: "who" }, el("b", {}, "Auditbell"), el("span", { class: "app" }, "APP"), when(message.at)),
      blocks.length ? el("div", { class: "blocks" }, blocks) : el("div", { class: "mrkdwn" }, mrkdwn(shown.text || "")),
      (shown.attachments || []).map(attachment),
      message.edits > 0 && el("p", { class: "edited" }, "(edited", message.edits > 1 && ` ${message.edits} times`, ", last ", when(message.editedAt), ")")));
}

function text(object) {
  if (!object) return null;
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return lines(object.emoji === false ? object.text : object.text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emojiFor(name)));
}

function lines(plain) {
  return String(plain).split("\n").flatMap((line, i) => i ? [el("br"), line] : [line]);
}

const blockViews = {
  divider: () => el("hr"),
  header: (b) => el("p", { class: "header", role: "heading", "aria-level": 3 }, text(b.text)),
  section: (b) => el("div", { class: "section" },
    el("div", { class: "section-main" },
      b.text && el("div", { class: "mrkdwn" }, text(b.text)),
      b.fields && el("div", { class: "fields" }, b.fields.map((f) => el("div", { class: "mrkdwn" }, text(f))))),
    b.accessory && el("div", { class: "accessory" }, element(b.accessory))),
  context: (b) => el("div", { class: "context" }, (b.elements || []).map((e) => e.type === "image" ? picture(e) : el("span", {}, text(e)))),
  actions: (b) => el("div", { class: "actions" }, (b.elements || []).map(element)),
  image: (b) => el("div", {}, b.title && el("p", { class: "caption" }, text(b.title)), picture(b)),
  markdown: (b) => el("div", { class: "mrkdwn" }, mrkdwn(b.text.replace(/\*\*(.+?)\*\*/g, "*$1*"))),
  rich_text: (b) => el("div", { class: "mrkdwn" }, (b.elements || []).map(rich)),
  table: (b) => table(b.rows || [], false),
  data_table: (b) => el("div", {}, el("p", { class: "caption" }, b.caption), table(b.rows || [], true)),
  data_visualization: (b) => el("div", {}, el("p", { class: "caption" }, b.title), chart(b.chart || {})),
  card: card,
  carousel: (b) => el("div", { class: "cards" }, (b.elements || []).map(card)),
  container: (b) => el("div", { class: "container" },
    el("p", { class: "caption" }, text(b.title) || rich(b.rich_text_title)), b.subtitle && el("p", { class: "context" }, text(b.subtitle)),
    (b.child_blocks || []).map(block)),
  layout: (b) => el("div", { class: "container" }, (b.rows || []).map((row) => el("div", { class: "fields" }, (row.items || []).map((i) => block(i.block))))),
};

function block(b) {
  const view = blockViews[b.type];
  return view ? view(b) : el("p", { class: "context" }, `[${b.type}]`);
}

function card(b) {
  return el("div", { class: "container" },
    b.title && el("p", { class: "caption" }, text(b.title)), b.subtitle && el("p", { class: "context" }, text(b.subtitle)),
    b.body && el("div", { class: "mrkdwn" }, text(b.body)), b.subtext && el("p", { class: "context" }, text(b.subtext)),
    b.actions && el("div", { class: "actions" }, b.actions.map(element)));
}

/** element shows a button as a button and a menu as a menu: one with a URL opens it, any other sends the app what Slack would. */
function element(e) {
  if (e.type === "image") return picture(e);
  const style = `button ${e.style || ""}`;
  if (e.type === "button" && e.url) return el("a", { class: style, to: e.url, title: e.url }, text(e.text));
  if (e.type === "button") return el("button", { class: style, type: "button", title: sends(e), onclick: (event) => click(event.target, e) }, text(e.text));
  if (e.options) return menu(e);
  return el("button", { class: "button", type: "button", "aria-disabled": "true", title: `The inbox does not draw ${e.type}.` },
    e.placeholder ? text(e.placeholder) : e.type.replaceAll("_", " "), " ▾");
}

function menu(e) {
  const name = e.placeholder ? e.placeholder.text : e.type === "overflow" ? "⋯" : e.type.replaceAll("_", " ");
  return el("select", { class: "button", title: sends(e), "aria-label": name, onchange: (event) => {
    const { value } = event.target;
    event.target.selectedIndex = 0;
    click(event.target, e, value);
  } }, el("option", { value: "" }, name), e.options.map((o) => el("option", { value: o.value }, o.text.text)));
}

function sends(e) {
  return `Sends action ${e.action_id || "(no action_id)"} to the app, signed as Slack does.`;
}

/** click asks as Slack does when the element says so, and shows a failure as Slack does: beside what was clicked. */
async function click(node, e, value) {
  const target = node.closest(".button");
  const asked = e.confirm;
  if (asked && !confirm([asked.title, asked.text].filter(Boolean).map((t) => t.text).join("\n\n"))) return;
  target.parentNode.querySelector(".click-failed")?.remove();
  target.disabled = true;
  const failure = await send(target.closest("article").dataset.id, { action_id: e.action_id, value });
  target.disabled = false;
  if (failure) target.after(el("span", { class: "click-failed", role: "alert" }, "⚠ ", failure));
}

async function send(id, body) {
  try {
    const answer = await fetch(`/api/messages/${id}/click`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return answer.ok ? "" : (await answer.text()).trim();
  } catch (error) {
    return error.message;
  }
}

/** picture names a picture instead of loading it: this page asks nobody for anything. */
function picture(e) {
  return el("a", { class: "picture", to: e.image_url, title: "Pictures are not loaded here" }, "🖼 " + (e.alt_text || "picture"));
}

const tags = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

function rich(e) {
  if (!e) return null;
  const inner = (e.elements || []).map(rich);
  switch (e.type) {
    case "rich_text": case "rich_text_section": return el("div", {}, inner);
    case "rich_text_list": return el(e.style === "ordered" ? "ol" : "ul", {}, inner.map((item) => el("li", {}, item)));
    case "rich_text_quote": return el("blockquote", {}, inner);
    case "rich_text_preformatted": return el("pre", {}, inner);
    case "link": return styled(e, el("a", { to: e.url }, e.text || e.url));
    case "emoji": return emojiFor(e.name);
    case "date": return slackDate(`!date^${e.timestamp}^${e.format}`, e.fallback || "");
    case "text": return styled(e, el("span", {}, lines(e.text)));
  }
  return el("span", { class: "mention" }, "@" + (e.user_id || e.range || e.channel_id || e.usergroup_id || e.value || e.type));
}

function styled(e, node) {
  return Object.keys(e.style || {}).reduce((inner, name) => tags[name] ? el(tags[name], {}, inner) : inner, node);
}

function cell(c) {
  return c.type === "rich_text" ? rich(c) : c.text !== undefined ? unescape(c.text) : String(c.value);
}

function table(rows, headed) {
  return el("div", { class: "scroll" }, el("table", {}, rows.map((row, i) =>
    el("tr", {}, row.map((c) => el(headed && i === 0 ? "th" : "td", headed && i === 0 ? { scope: "col" } : {}, cell(c)))))));
}

/** chart lists a chart's numbers with bars. */
function chart(c) {
  const points = (c.segments || []).concat(...(c.series || []).map((s) => (s.data || []).map((p) => ({ label: `${s.name} · ${p.label}`, value: p.value }))));
  const most = Math.max(1, ...points.map((p) => Math.abs(p.value)));
  return el("div", { class: "chart" }, points.map((p) => {
    const bar = el("span", { class: "chart-bar" });
    bar.style.width = `${Math.round(Math.abs(p.value) / most * 100)}%`;
    return el("div", {}, el("span", {}, p.label), el("span", { class: "chart-track" }, bar), el("b", {}, p.value));
  }));
}

const colors = { good: "#2eb67d", warning: "#e8a33d", danger: "#d13438" };

function attachment(a) {
  const blocks = (a.blocks || []).map(block);
  const node = el("div", { class: "attachment" }, blocks.length ? blocks : [
    a.pretext && el("div", { class: "mrkdwn" }, mrkdwn(a.pretext)),
    a.author_name && el("p", { class: "context" }, a.author_name),
    a.title && el("p", { class: "caption" }, a.title_link ? el("a", { to: a.title_link }, unescape(a.title)) : unescape(a.title)),
    a.text && el("div", { class: "mrkdwn" }, mrkdwn(a.text)),
    a.fields && el("div", { class: "fields" }, a.fields.map((f) => el("div", { class: "mrkdwn" }, el("strong", {}, f.title), el("br"), mrkdwn(String(f.value ?? ""))))),
    a.footer && el("p", { class: "context" }, a.footer),
  ]);
  const color = colors[a.color] || (/^#?[0-9a-f]{6}$/i.test(a.color || "") ? "#" + a.color.replace("#", "") : "");
  if (color) node.style.borderLeftColor = color;
  return node;
}
