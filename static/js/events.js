// The page's one event stream: answers as they grow, the progress of ingestion, and new logs.
//
// Offsets are the server's; they are remembered, never derived from the text on the page.

import { fetchFragment, replace } from "./fragments.js";
import { addText, setPassages, setText as showWhole } from "./growing.js";
import { keepEnd, toEnd } from "./scroll.js";

const OFFLINE_MS = 3000;
const AGAIN_MS = 2000;
const OWN_QUESTION_MS = 400;
const root = document.querySelector("[data-events]");
const live = document.getElementById("live");
// prompt id -> { end, text, askedAt, firstAt, passages }; end is null until the server told it
const answers = new Map();
const sentAt = new WeakMap(); // htmx's context of a request -> when it left
let source = null;
let bannerTimer = null;
let isKnown = false; // how things were when the page came

// How a changed answer gets onto the page, and a deleted one off it: pages of their own replace these.
export const page = {
  refresh, remove: (id) => article(id)?.remove(), compared: () => {}, evaluated: () => {}, late: addLate,
};

const article = (id) => document.getElementById(`prompt-${id}`);

function state(id) {
  if (!answers.has(id)) answers.set(id, { end: null, text: "", askedAt: null, firstAt: null, passages: 0 });
  return answers.get(id);
}

function setText(id, text, end) {
  const known = state(id);
  Object.assign(known, { text, end, firstAt: text ? known.firstAt ?? performance.now() : null });
  showText(id);
}

// Whether the page holds more of a running answer than the server had stored.
export function isStreamed(id) {
  return answers.has(id) && state(id).end !== null;
}

// The question may reach the page after the first words of its answer.
export function showText(id) {
  setPassages(article(id), state(id).passages);
  showWhole(article(id), state(id).text);
  showFirstToken(id);
}

function phase(id, text) {
  const place = article(id)?.querySelector("[data-phase]");
  if (place) place.textContent = text;
}

function showFirstToken(id) {
  const { askedAt, firstAt } = state(id);
  const place = article(id)?.querySelector("[data-first-token]");
  if (askedAt === null || firstAt === null || !place) return;
  place.textContent = `first token ${Math.round(firstAt - askedAt)} ms`;
}

function append(id, { offset, end, text }) {
  const known = state(id);
  if (known.end === null || offset < known.end) return;
  if (offset > known.end) {
    connectAnew();
    return;
  }
  known.text += text;
  known.end = end;
  if (known.firstAt === null) {
    known.firstAt = performance.now();
    showFirstToken(id);
  }
  addText(article(id), text);
}

// prompt id -> what is asked for once more when its fragment is here: `refresh`, `addLate` or nothing
const refreshing = new Map();

async function refresh(id) {
  // Pages beside the chat hear of its questions, too.
  if (!article(id) && !document.getElementById("thread")) return;
  if (refreshing.has(id)) {
    refreshing.set(id, refresh);
    return;
  }
  refreshing.set(id, null);
  try {
    const fresh = await fetchFragment(`/prompts/${id}/`);
    const old = article(id);
    if (old && fresh === null) old.remove();
    else if (fresh) show(id, old, fresh);
  } catch {
    setTimeout(() => refresh(id), AGAIN_MS);
  } finally {
    const again = refreshing.get(id);
    refreshing.delete(id);
    again?.(id);
  }
}

// The marks of an answer's sentences, and the questions that may follow, come a moment after its end. All
// else on the page stays, and so does a part in which somebody has the focus or marked some words.
const LATE = [".answer.prose", ":scope > .support", ":scope > .suggestions"];

function isInUse(part) {
  const marked = getSelection();
  return part.contains(document.activeElement) || (!marked.isCollapsed && part.contains(marked.anchorNode));
}

async function addLate(id) {
  if (refreshing.has(id)) {
    refreshing.set(id, refreshing.get(id) ?? addLate);
    return;
  }
  const fresh = await fetchFragment(`/prompts/${id}/`).catch(() => null);
  const old = article(id);
  if (!fresh || !old || "unfinished" in old.dataset) return;
  keepEnd(() => {
    for (const part of LATE) {
      const known = old.querySelector(part);
      const found = fresh.querySelector(part);
      if (known && found && !isInUse(known)) known.replaceWith(found);
    }
  });
}

// Prompts that were put while the page was open: a new version of an answer takes the place of the one
// that is shown. Later, whoever looks at another version is left to it.
const newcomers = new Set();

function otherVersion(fresh) {
  return document.querySelector(`[data-question="${fresh.dataset.question}"]`);
}

function show(id, known, fresh) {
  const other = known ? null : otherVersion(fresh);
  if (other && !newcomers.has(id)) return;
  newcomers.delete(id);
  const old = known ?? other;
  const running = "unfinished" in fresh.dataset;
  // What is on the page of a running answer is newer than what is stored.
  if (known && running && "unfinished" in known.dataset && state(id).end !== null) return;
  keepEnd(() => {
    if (old) {
      replace(old, fresh);
    } else {
      document.getElementById("thread").append(fresh);
      window.htmx.process(fresh);
    }
  });
  if (!old) toEnd();
  if (!running) answers.delete(id);
  else if (state(id).end !== null) showText(id);
}

function asked({ prompt }) {
  setText(prompt, "", 0);
  // The page that asked gets the question with its own request; this is for the other ones.
  setTimeout(() => {
    if (article(prompt)) return;
    newcomers.add(prompt);
    page.refresh(prompt);
  }, OWN_QUESTION_MS);
}

// Whether it was asked before all that the page shows. Ids begin with the second of their making.
function isEarlier(id) {
  const shown = [...document.querySelectorAll(".turn[data-prompt]")].map((turn) => turn.dataset.prompt).sort();
  return shown.length > 0 && id.slice(0, 8) < shown[0].slice(0, 8);
}

function sync({ unfinished }) {
  // What was told while the connection was lost is unknown.
  if (isKnown) document.dispatchEvent(new Event("groundwork:logged"));
  isKnown = true;
  for (const place of document.querySelectorAll("[data-progress]")) {
    progress(place.id.replace("progress-", ""));
  }
  for (const turn of document.querySelectorAll("[data-prompt][data-unfinished]")) {
    if (!unfinished.includes(turn.dataset.prompt)) page.refresh(turn.dataset.prompt);
  }
  // It may have come between the page and this stream.
  for (const part of document.querySelectorAll("[data-awaited]")) {
    page.late(part.closest("[data-prompt]").dataset.prompt);
  }
  for (const id of unfinished.filter((one) => !article(one) && !isEarlier(one))) {
    newcomers.add(id);
    page.refresh(id);
  }
}

function finished({ prompt, status }) {
  answers.delete(prompt);
  page.refresh(prompt);
  if (live) live.textContent = status === "COMPLETED" ? "The answer is finished." : "The answer failed.";
}

async function progress(id) {
  const place = document.getElementById(`progress-${id}`);
  if (!place?.dataset.progress) return;
  if (place.dataset.busy) {
    place.dataset.busy = "again";
    return;
  }
  place.dataset.busy = "yes";
  let fresh = null;
  try {
    fresh = await fetchFragment(place.dataset.progress);
  } catch {
    setTimeout(() => progress(id), AGAIN_MS);
  }
  const again = place.dataset.busy === "again";
  delete place.dataset.busy;
  if (fresh) replace(place, fresh);
  if (fresh && !fresh.dataset.progress && live) live.textContent = place.dataset.done ?? "";
  if (again) progress(id);
}

const handlers = {
  sync,
  asked,
  finished,
  snapshot: ({ prompt, text, end }) => setText(prompt, text, end),
  restarted: ({ prompt }) => setText(prompt, "", 0),
  retrieved: ({ prompt, milliseconds, count }) => {
    state(prompt).passages = count;
    setPassages(article(prompt), count);
    const name = article(prompt)?.querySelector("[data-phase]")?.textContent.split(" · ")[0] ?? "";
    if (name.startsWith("searching")) phase(prompt, `${name} · ${Math.round(milliseconds)} ms · ${count} passages`);
  },
  delta: (data) => append(data.prompt, data),
  supported: ({ prompt }) => page.late(prompt),
  suggested: ({ prompt }) => page.late(prompt),
  deleted: ({ prompt }) => { answers.delete(prompt); page.remove(prompt); },
  compared: (data) => page.compared(data),
  evaluated: () => page.evaluated(),
  ingestion: ({ vector_database: id }) => progress(id),
  tested: ({ test: id }) => progress(id),
  replayed: ({ replay: id }) => progress(id),
  logged: () => document.dispatchEvent(new Event("groundwork:logged")),
};

function connect() {
  source = new EventSource(root.dataset.events);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  source.addEventListener("open", () => {
    clearTimeout(bannerTimer);
    bannerTimer = null;
    document.getElementById("banner").hidden = true;
  });
  source.addEventListener("error", () => {
    bannerTimer ??= setTimeout(() => { document.getElementById("banner").hidden = false; }, OFFLINE_MS);
    // The browser gives up when the server answers with an error, as it does while it restarts.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_MS);
  });
}

let reconnecting = false;

function connectAnew() {
  if (reconnecting) return;
  reconnecting = true;
  source.close();
  setTimeout(() => { reconnecting = false; connect(); }, 200);
}

// A question that this page has put: its clock starts when it leaves.
document.addEventListener("htmx:before:request", ({ detail }) => sentAt.set(detail.ctx, performance.now()));
document.addEventListener("htmx:after:swap", ({ detail }) => {
  for (const turn of document.querySelectorAll("[data-prompt][data-new]")) {
    delete turn.dataset.new;
    const known = state(turn.dataset.prompt);
    known.askedAt ??= sentAt.get(detail.ctx) ?? null;
    if (known.end !== null) showText(turn.dataset.prompt);
    toEnd();
  }
});

// A fragment that came by both ways stands on the page once.
document.addEventListener("htmx:before:swap", (event) => {
  for (const task of event.detail.tasks ?? []) {
    const fresh = task.fragment?.querySelector?.("[data-prompt]");
    if (fresh && task.swapSpec?.style === "beforeend") article(fresh.dataset.prompt)?.remove();
  }
});

if (root) {
  toEnd();
  if (root.dataset.events) connect();
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
}
