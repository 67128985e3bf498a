// The page: follows the stream, groups what belongs together, shows the newest first.
import { el, icon, plural, when } from "./dom.js";
import { slackMessage } from "./slack.js";
import { teamsMessage } from "./teams.js";
import { mailMessage, webhookMessage, json } from "./mail.js";

const destinations = { slack: "Slack", teams: "Teams", email: "Mail", webhook: "Webhook" };
const $ = (id) => document.getElementById(id);

// talks are what people see as one thing: a Slack message with its edits and its thread, or a single delivery elsewhere.
let talks = [];
let byKey = new Map(); // channel id + ts, or message id → talk or reply
let filter = "all";
let start = {}; // which life of the list this is, and how much of it a page shows
let known = new Set(); // ids of deliveries, which the stream repeats when it reconnects
let status = { destinations: {}, refused: [], faults: [], messages: 0 };
let dirty = new Set();
let scheduled = false;
let opened = false; // what is there at first appears without a fuss

/** take files one delivery and says which talk changed. */
function take(entry) {
  known.add(entry.id);
  if (entry.destination !== "slack") return begin(entry, entry.id);
  const key = `${entry.channel_id}/${entry.ts}`;
  if (entry.kind === "update") return edit(entry, byKey.get(key), key);
  const aside = entry.kind === "ephemeral"; // beside a message, without a ts of its own
  const parent = (aside || entry.kind === "thread") && byKey.get(`${entry.channel_id}/${entry.ref}`);
  if (!parent) return begin(entry, aside ? entry.id : key);
  const talk = parent.talk || parent;
  const reply = { ...fresh(entry), talk };
  (aside ? talk.asides : talk.replies).push(reply);
  talk.records.push(entry);
  if (!aside) byKey.set(key, reply);
  return talk;
}

function fresh(entry) {
  return { entry, shown: entry.shown || entry.body, at: entry.at, edits: 0, replies: [], asides: [], records: [entry] };
}

function begin(entry, key) {
  const talk = fresh(entry);
  talks.push(talk);
  byKey.set(key, talk);
  if (talks.length > start.window) drop(talks.shift());
  return talk;
}

function edit(entry, target, key) {
  if (!target) { // the message itself was emptied away or is too old to be here
    const talk = begin(entry, key);
    talk.edits = 1;
    talk.editedAt = entry.at;
    return talk;
  }
  target.shown = entry.shown || entry.body;
  target.edits += 1;
  target.editedAt = entry.at;
  const talk = target.talk || target;
  talk.records.push(entry);
  return talk;
}

function drop(talk) {
  talk.node?.remove();
  for (const [key, value] of byKey) if (value === talk || value.talk === talk) byKey.delete(key);
}

const views = { slack: slackMessage, teams: teamsMessage, email: mailMessage, webhook: webhookMessage };

function render(talk) {
  const { entry } = talk;
  const body = safely(() => views[entry.destination](entry.destination === "slack" ? talk : entry));
  const node = el("article", { class: `talk ${entry.destination}`, "data-id": entry.id, "aria-label": `${destinations[entry.destination]} message` },
    el("header", {},
      el("span", { class: "badge" }, icon(entry.destination), destinations[entry.destination]),
      el("span", { class: "channel", title: entry.channel }, entry.channel || "—"),
      el("span", { class: "history" }, history(talk), when(entry.at))),
    el("div", { class: "body" }, body),
    source(talk));
  if (talk.node) {
    node.querySelector("details").open = talk.node.querySelector("details").open;
    node.classList.add("changed");
    talk.node.replaceWith(node);
  } else {
    if (opened) node.classList.add("fresh");
    $("feed").prepend(node);
  }
  talk.node = node;
  node.hidden = filter !== "all" && filter !== entry.destination;
}

function history(talk) {
  const edits = talk.records.filter((r) => r.kind === "update").length;
  const replies = talk.records.filter((r) => r.kind === "thread").length - (talk.entry.kind === "thread" ? 1 : 0);
  return [edits > 0 && el("span", { class: "tag" }, plural(edits, "edit")), replies > 0 && el("span", { class: "tag" }, plural(replies, "reply", "replies"))];
}

/** safely shows a message's source if its shape surprises the renderer; one odd message must not stop the page. */
function safely(view) {
  try { return view(); } catch (error) { return el("p", { class: "notice" }, `This message cannot be drawn (${error.message}); its source is below.`); }
}

function source(talk) {
  const box = el("div", {});
  const details = el("details", { class: "source", ontoggle: () => {
    if (!details.open || box.firstChild) return;
    for (const record of talk.records) {
      box.append(el("p", {}, el("b", {}, record.kind), ` ${record.id} · ref ${record.ref} · `, when(record.at), " · ", el("a", { href: `/api/messages/${record.id}/raw` }, "raw")));
      if (record.destination !== "email") box.append(el("pre", {}, json(record.body, "")));
    }
  } }, el("summary", {}, "Source"), box);
  return details;
}

function draw() {
  scheduled = false;
  for (const talk of dirty) if (talks.includes(talk)) render(talk);
  dirty = new Set();
  drawFilters();
  drawNotices();
  const visible = talks.filter((t) => filter === "all" || t.entry.destination === filter).length;
  $("nothing").hidden = visible > 0;
  if (visible === 0) $("nothing").replaceChildren(...nothing());
  const records = talks.reduce((sum, t) => sum + t.records.length, 0);
  $("more").hidden = status.messages <= records;
  $("more").replaceChildren(`Showing the newest ${records} of ${status.messages} deliveries. `, el("a", { href: "/api/messages" }, "All as JSON"));
  $("empty").disabled = status.messages === 0;
  document.title = talks.length ? `(${talks.length}) Auditbell inbox` : "Auditbell inbox";
}

function schedule() {
  if (!scheduled) { scheduled = true; requestAnimationFrame(draw); }
}

function drawFilters() {
  const count = (name) => talks.filter((t) => name === "all" || t.entry.destination === name).length;
  const focused = document.activeElement?.dataset?.filter;
  $("filters").replaceChildren(...[["all", "All"], ...Object.entries(destinations)].map(([name, label]) =>
    el("button", { type: "button", "data-filter": name, "aria-pressed": String(name === filter), onclick: () => choose(name) },
      icon(name), el("span", {}, label), el("b", { "aria-label": plural(count(name), "message") }, count(name)))));
  if (focused) $("filters").querySelector(`[data-filter="${focused}"]`)?.focus();
}

function choose(name) {
  filter = name;
  for (const talk of talks) if (talk.node) talk.node.hidden = name !== "all" && talk.entry.destination !== name;
  schedule();
}

function drawNotices() {
  const shown = [];
  for (const f of status.faults) {
    shown.push(el("p", { class: "notice" }, icon("warning"), el("span", {}, el("b", {}, `${destinations[f.destination]} will fail: `),
      `${plural(f.count, "request")}, ${f.every > 1 ? `every ${f.every}th, ` : ""}`,
      typeof f.status === "number" ? `status ${f.status}` : f.status, f.retry_after ? `, retry after ${f.retry_after} s` : "", f.after ? ", after keeping the message" : "")));
  }
  const refused = status.refused.filter((r) => filter === "all" || r.destination === filter);
  if (refused.length) shown.push(refusals(refused));
  $("notices").replaceChildren(...shown);
}

let refusalsOpen = false;

function refusals(refused) {
  const last = refused.at(-1);
  const details = el("details", { class: "notice bad", open: refusalsOpen, ontoggle: () => { refusalsOpen = details.open; } },
    el("summary", {}, icon("warning"), el("span", {}, el("b", {}, `${plural(refused.length, "delivery", "deliveries")} refused`), ` · last: ${last.reason}`)),
    el("ul", {}, [...refused].reverse().map((r) => el("li", {}, when(r.at), ` ${destinations[r.destination]} ${r.channel} `, el("code", {}, r.reason),
      (r.details || []).map((d) => el("div", { class: "why" }, d))))));
  return details;
}

function nothing() {
  const example = `curl -H 'Content-Type: application/json' -d '{"text":"Hello"}' ${location.origin}/slack/webhook/security`;
  const rest = filter === "all" ? "" : ` for ${destinations[filter]}`;
  return [el("img", { src: "bell.svg", alt: "", width: 56, height: 56 }),
    el("h2", {}, `Nothing has arrived${rest} yet`),
    el("p", {}, "Messages show up here the moment they are delivered. Point the handler at the addresses under “Where to send”, or try one by hand:"),
    el("pre", { tabindex: 0 }, example),
    el("p", {}, "To see retries at work, make the next two requests fail:"),
    el("pre", { tabindex: 0 }, `curl -d '{"destination":"slack","status":429,"retry_after":2,"count":2}' ${location.origin}/api/faults`)];
}

function addresses() {
  const rows = [["Slack API", `${location.origin}/slack/api/`], ["Slack webhook", `${location.origin}/slack/webhook/security`],
    ["Teams workflow", `${location.origin}/teams/workflow/security`], ["Any webhook", `${location.origin}/webhook/name`]];
  if (status.smtp) rows.push(["SMTP", status.smtp]);
  $("addresses").replaceChildren(...rows.flatMap(([name, address]) => [el("dt", {}, name),
    el("dd", {}, el("code", {}, address), el("button", { type: "button", class: "copy", title: `Copy ${address}`, "aria-label": `Copy ${name} address`,
      onclick: () => navigator.clipboard?.writeText(address) }, icon("copy")))]));
}

function live(state, label) {
  $("live").className = `live ${state}`;
  $("live").replaceChildren(el("span", {}, label));
}

/** begins another life of the list unless this one goes on. */
function restart(next) {
  if (next.life !== start.life) {
    talks = [];
    byKey = new Map();
    known = new Set();
    dirty = new Set();
    $("feed").replaceChildren();
  }
  start = next;
}

function receive(entry) {
  if (!known.has(entry.id)) dirty.add(take(entry));
}

function report(next) {
  const moved = status.smtp !== next.smtp;
  status = next;
  if (moved) addresses();
}

function follow() {
  const stream = new EventSource("/api/stream");
  const on = (name, handle) => stream.addEventListener(name, (event) => { handle(JSON.parse(event.data)); schedule(); });
  stream.addEventListener("open", () => live("on", "live"));
  stream.addEventListener("error", () => live("off", "reconnecting"));
  on("start", restart);
  on("message", receive);
  on("status", report);
}

$("empty").addEventListener("click", () => {
  if (confirm(`Forget all ${status.messages} deliveries?`)) fetch("/api/messages", { method: "DELETE" });
});
$("ends").open = matchMedia("(min-width: 62rem)").matches;
addresses();
const opening = JSON.parse($("opening").textContent);
restart(opening.start);
opening.messages.forEach(receive);
report(opening.status);
draw();
opened = true;
follow();
