// Mail as a mail program shows it, and webhook JSON as people read JSON.
import { el, size, when, icon } from "./dom.js";

export function mailMessage(entry) {
  const mail = entry.mail || {};
  const base = `/api/messages/${entry.id}`;
  const body = el("div", { class: "mail-body" });
  const show = (html) => body.replaceChildren(html ? frame(`${base}/html`, mail.subject) : el("pre", { class: "mail-text" }, mail.text || "(no text)"));
  show(mail.html);
  return el("div", { class: "mail" },
    el("h3", {}, mail.subject || "(no subject)"),
    el("dl", { class: "mail-head" }, [["From", mail.from], ["To", mail.to], ["Cc", mail.cc], ["Date", mail.date]]
      .filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, name === "Date" ? when(value) : value.replace(/^<([^<>]*)>$/, "$1"))])),
    mail.html && mail.text && choice(show),
    body,
    (mail.files || []).length > 0 && el("ul", { class: "files" }, mail.files.map((file, i) =>
      el("li", {}, el("a", { href: `${base}/attachments/${i}`, download: file.name }, icon("file"), el("span", {}, file.name), el("small", {}, size(file.size)))))));
}

function choice(show) {
  const buttons = [["Formatted", true], ["Plain text", false]].map(([label, html]) =>
    el("button", { type: "button", "aria-pressed": String(html), onclick: (event) => {
      for (const b of buttons) b.setAttribute("aria-pressed", String(b === event.currentTarget));
      show(html);
    } }, label));
  return el("div", { class: "choice" }, buttons);
}

/** frame shows a mail's HTML without scripts, forms or requests: the sandbox here and the policy of the response both forbid
 * them. Same origin is allowed only so that the height can be measured. */
function frame(address, title) {
  const node = el("iframe", { src: address, title: title || "mail", sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox" });
  const measure = () => {
    const page = node.contentDocument && node.contentDocument.documentElement;
    if (!page) return;
    node.style.height = "0"; // a page is never lower than its frame, so measure it in none
    node.style.height = `${Math.min(Math.max(page.scrollHeight, 80), 1600) + 2}px`;
  };
  node.addEventListener("load", measure);
  let width = 0;
  new ResizeObserver(() => {
    if (node.clientWidth !== width) { width = node.clientWidth; measure(); }
  }).observe(node);
  return node;
}

export function webhookMessage(entry) {
  return el("div", { class: "json" }, el("pre", {}, json(entry.body, "")));
}

/** json writes a value with its names and strings told apart by color. */
export function json(value, indent) {
  if (value === null || typeof value !== "object") {
    return el("span", { class: typeof value === "string" ? "j-string" : "j-other" }, JSON.stringify(value));
  }
  const entries = Object.entries(value);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (entries.length === 0) return open + close;
  const inner = indent + "  ";
  return [open, entries.map(([name, v], i) => ["\n", inner, Array.isArray(value) ? [] : [el("span", { class: "j-name" }, JSON.stringify(name)), ": "],
    json(v, inner), i < entries.length - 1 ? "," : ""]), "\n", indent, close];
}
