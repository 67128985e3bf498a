// Slack's mrkdwn as Slack shows it: *bold* _italic_ ~strike~ `code` ```pre``` > quote, <links|with text>, mentions, dates in
// the reader's own zone, emoji by name. Everything becomes elements and text nodes.
import { el } from "./dom.js";

const emoji = {
  rotating_light: "🚨", warning: "⚠️", bell: "🔔", no_bell: "🔕", mute: "🔇", x: "❌", white_check_mark: "✅", heavy_check_mark: "✔️",
  information_source: "ℹ️", red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢",
  large_blue_circle: "🔵", large_purple_circle: "🟣", white_circle: "⚪", black_circle: "⚫", lock: "🔒", unlock: "🔓", key: "🔑",
  shield: "🛡️", eyes: "👀", fire: "🔥", mag: "🔍", link: "🔗", repeat: "🔁", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  wastebasket: "🗑️", wrench: "🔧", gear: "⚙️", robot_face: "🤖", bust_in_silhouette: "👤", busts_in_silhouette: "👥",
  calendar: "📅", chart_with_upwards_trend: "📈", memo: "📝", books: "📚", package: "📦", cloud: "☁️", globe_with_meridians: "🌐",
  no_entry: "⛔", stop_sign: "🛑", question: "❓", exclamation: "❗", bulb: "💡", tada: "🎉", thumbsup: "👍", "+1": "👍",
  clock1: "🕐", stopwatch: "⏱️", arrow_right: "➡️", arrow_up: "⬆️", arrow_down: "⬇️", zzz: "💤", label: "🏷️", pushpin: "📌",
};

export function emojiFor(name) { return emoji[name] || `:${name}:`; }

/** unescape undoes the three entities that Slack asks senders to use. */
export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** mrkdwn returns the nodes for a text. */
export function mrkdwn(text) {
  return String(text).split(/```\n?([\s\S]*?)```\n?/).flatMap((part, i) =>
    i % 2 ? [el("pre", {}, unescape(part.replace(/\n$/, "")))] : paragraphs(part));
}

function paragraphs(text) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, i, lines) => {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      if (!quote) nodes.push(quote = el("blockquote", {}));
      else quote.append(el("br"));
      quote.append(...inline(quoted[1]));
      return;
    }
    if (i > 0 && !quote) nodes.push(el("br"));
    quote = null;
    if (line !== "" || i < lines.length - 1) nodes.push(...inline(line));
  });
  return nodes;
}

const marks = { "*": "strong", "_": "em", "~": "s" };
const isWord = (c) => c !== undefined && /[\p{L}\p{N}]/u.test(c);

/** inline reads one line. before is the character in front of it, for nested marks. */
function inline(text) {
  const nodes = [];
  let plain = "";
  const flush = () => { if (plain) nodes.push(...autolink(unescape(plain))); plain = ""; };
  for (let i = 0; i < text.length;) {
    const found = code(text, i) || token(text, i) || named(text, i) || marked(text, i);
    if (!found) { plain += text[i++]; continue; }
    flush();
    nodes.push(found.node);
    i = found.end;
  }
  flush();
  return nodes;
}

function code(text, i) {
  if (text[i] !== "`") return null;
  const end = text.indexOf("`", i + 1);
  return end > i + 1 ? { node: el("code", {}, ...inCode(text.slice(i + 1, end))), end: end + 1 } : null;
}

/** inCode shows links inside code as their text, which is what Slack does. */
function inCode(text) {
  return text.split(/<([^<>]+)>/).map((part, i) => i % 2 ? unescape(part.split("|").pop()) : unescape(part));
}

function token(text, i) {
  if (text[i] !== "<") return null;
  const end = text.indexOf(">", i);
  return end > i + 1 ? { node: reference(text.slice(i + 1, end)), end: end + 1 } : null;
}

function named(text, i) {
  const match = text[i] === ":" && !isWord(text[i - 1]) && text.slice(i).match(/^:([a-z0-9_+-]+):/);
  if (!match || !emoji[match[1]]) return null;
  return { node: el("span", { role: "img", "aria-label": match[1].replaceAll("_", " ") }, emoji[match[1]]), end: i + match[0].length };
}

function marked(text, i) {
  const tag = marks[text[i]];
  if (!tag || isWord(text[i - 1]) || text[i + 1] === undefined || /\s/.test(text[i + 1]) || text[i + 1] === text[i]) return null;
  for (let j = i + 2; j < text.length; j++) {
    if (text[j] === "<") { j = Math.max(j, text.indexOf(">", j)); continue; }
    if (text[j] === text[i] && !/\s/.test(text[j - 1]) && !isWord(text[j + 1])) {
      return { node: el(tag, {}, ...inline(text.slice(i + 1, j))), end: j + 1 };
    }
  }
  return null;
}

/** reference shows what stands between angle brackets. */
function reference(inner) {
  const [target, ...rest] = inner.split("|");
  const label = rest.length ? unescape(rest.join("|")) : "";
  if (target.startsWith("!date^")) return slackDate(target, label);
  if (target.startsWith("!")) return el("span", { class: "mention" }, "@" + (label || target.slice(1).split("^")[0]).replace(/^@/, ""));
  if (target.startsWith("@") || target.startsWith("#")) return el("span", { class: "mention" }, target[0] + (label || target.slice(1)).replace(/^[@#]/, ""));
  const address = unescape(target);
  return el("a", { to: address }, label || address.replace(/^mailto:/, ""));
}

const dateForms = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
};

/** slackDate shows <!date^epoch^format^link|fallback> in the reader's zone, which is its whole point. */
export function slackDate(target, fallback) {
  const [, epoch, format = "{date_short} {time_secs}", address] = target.split("^");
  const date = new Date(Number(epoch) * 1000);
  if (isNaN(date)) return document.createTextNode(fallback);
  const shown = format.replace(/\{(\w+)\}/g, (whole, name) => {
    const base = name.replace("_pretty", "");
    if (!dateForms[base]) return name === "ago" ? ago(date) : whole;
    return (name.endsWith("_pretty") && nearDay(date)) || new Intl.DateTimeFormat(undefined, dateForms[base]).format(date);
  });
  const time = el("time", { datetime: date.toISOString(), title: `${date.toISOString()}${fallback ? "\n" + fallback : ""}` }, shown);
  return address ? el("a", { to: address }, time) : time;
}

function nearDay(date) {
  const days = Math.round((new Date(date).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 864e5);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
}

function ago(date) {
  const minutes = Math.round((date - Date.now()) / 6e4);
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  if (Math.abs(minutes) < 60) return format.format(minutes, "minute");
  return Math.abs(minutes) < 1440 ? format.format(Math.round(minutes / 60), "hour") : format.format(Math.round(minutes / 1440), "day");
}

/** autolink turns bare addresses into links, as Slack does for people. */
function autolink(text) {
  return text.split(/(https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)/).filter(Boolean).map((part) => {
    if (/^https?:\/\//.test(part)) return el("a", { to: part }, part);
    return /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/.test(part) ? el("a", { to: "mailto:" + part }, part) : part;
  });
}
