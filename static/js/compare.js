// The page of a comparison: questions and votes as they change, keys, and who is asked.

import { isStreamed, page, showText } from "./events.js";
import { fetchFragment, replace } from "./fragments.js";

const AGAIN_MS = 2000;
const NUMBERS = ["", "", "both", "all three", "all four", "all five", "all six", "all seven", "all eight", "all nine"];
const root = document.querySelector("[data-comparison]");
const board = document.getElementById("board");
const live = document.getElementById("live");
let revision = Number(root?.dataset.revision);

const questionOf = (id) => document.getElementById(`question-${id}`);

// What is asked for while it is on its way is asked for once more afterwards

const busy = new Map();

async function once(key, work) {
  if (busy.has(key)) {
    busy.set(key, true);
    return;
  }
  busy.set(key, false);
  try {
    await work();
  } catch {
    setTimeout(() => once(key, work), AGAIN_MS);
  } finally {
    const again = busy.get(key);
    busy.delete(key);
    if (again) once(key, work);
  }
}

// Putting a fresh part in the place of an old one, unless nothing changed

function written(part) {
  const copy = part.cloneNode(true);
  for (const field of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) field.removeAttribute("value");
  return copy.outerHTML.replace(/ data-(on|new)(="")?/g, "");
}

const known = new WeakMap(); // what is on the page -> how the server wrote it

function renew(old, fresh) {
  const now = written(fresh);
  if ((known.get(old) ?? written(old)) === now) return;
  known.set(fresh, now);
  replace(old, fresh);
}

function isGrowing(old, fresh) {
  return "unfinished" in old.dataset && "unfinished" in fresh.dataset
    && old.dataset.masked === fresh.dataset.masked && isStreamed(old.dataset.prompt);
}

function placeCells(old, fresh) {
  const columns = old.querySelector(".cols");
  const cells = [...fresh.querySelectorAll("[data-cell]")];
  columns.dataset.columns = cells.length;
  const wanted = cells.map((cell) => cell.id);
  const focusedAt = [...columns.children].findIndex((cell) => cell.contains(document.activeElement));
  for (const cell of [...columns.children]) if (!wanted.includes(cell.id)) cell.remove();
  for (const cell of cells) {
    const mine = document.getElementById(cell.id);
    if (!mine) {
      columns.append(cell);
      window.htmx.process(cell);
    } else if (!isGrowing(mine, cell)) {
      renew(mine, cell);
    }
    if (isStreamed(cell.dataset.prompt)) showText(cell.dataset.prompt);
  }
  const order = [...columns.children].map((cell) => cell.id);
  if (order.join() !== wanted.join()) columns.append(...wanted.map((id) => document.getElementById(id)));
  catchUp(old);
  // The one that was removed had the focus: its successor takes it.
  if (focusedAt >= 0 && !columns.contains(document.activeElement)) {
    columns.children[Math.min(focusedAt, columns.children.length - 1)]?.focus({ preventScroll: true });
  }
}

function update(old, fresh) {
  const parts = [...fresh.querySelectorAll("[data-part]")];
  [...old.querySelectorAll("[data-part]")].forEach((part, index) => renew(part, parts[index]));
  placeCells(old, fresh);
}

function refreshQuestion(id) {
  return once(id, async () => {
    const fresh = await fetchFragment(`/compared/${id}/`);
    const old = questionOf(id);
    if (!fresh) {
      old?.remove();
    } else if (old) {
      update(old, fresh);
      if (!old.querySelector("[data-unfinished]")) live.textContent = "All have answered.";
    } else if (!("earlier" in root.dataset)) {
      insert(fresh);
    }
    markCurrent();
  });
}

function insert(fresh) {
  document.getElementById("questions").append(fresh);
  window.htmx.process(fresh);
  for (const cell of fresh.querySelectorAll("[data-unfinished]")) {
    if (isStreamed(cell.dataset.prompt)) showText(cell.dataset.prompt);
  }
  catchUp(fresh);
  fresh.scrollIntoView({ block: "start" });
}

// Which questions the page holds. Once it holds the newest, it does whichever one was looked for.
function query() {
  const wanted = new URLSearchParams(location.search);
  if (!("earlier" in root.dataset)) wanted.delete("shown");
  return `?${wanted}`;
}

function refreshBoard() {
  return once("board", async () => {
    const fresh = await fetchFragment(`/comparisons/${root.dataset.comparison}/${query()}`);
    if (!fresh) {
      location.assign(document.querySelector(".tabs [aria-current]").href);
      return;
    }
    const ids = [...fresh.children].map((question) => question.dataset.question);
    // Earlier ones, which no page of the newest would have, stay.
    const first = questionOf(ids[0]);
    for (const old of [...document.getElementById("questions").children]) {
      const isEarlier = first && old.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (!ids.includes(old.dataset.question) && !isEarlier) old.remove();
    }
    for (const question of [...fresh.children]) {
      const old = questionOf(question.dataset.question);
      if (old) update(old, question);
      else insert(question);
    }
    markCurrent();
  });
}

function refreshState() {
  return once("state", async () => {
    const fresh = await fetchFragment(`/comparisons/${root.dataset.comparison}/state/`);
    if (fresh) renew(document.getElementById("compare-state"), fresh);
    showNumber();
  });
}

// What was told of answers whose question was still on its way here
const early = new Set();

function catchUp(question) {
  const cells = [...question.querySelectorAll("[data-unfinished]")];
  if (cells.filter((cell) => early.delete(cell.dataset.prompt)).length) refreshQuestion(question.dataset.question);
}

page.refresh = (id) => {
  const question = document.getElementById(`prompt-${id}`)?.closest("[data-question]");
  if (question) refreshQuestion(question.dataset.question);
  else early.add(id);
  refreshState();
};
page.late = page.refresh;
// Another answer is on its way to the place of a deleted one: the column stays until it is there.
page.remove = () => {};
page.compared = ({ revision: latest, question }) => {
  if (latest <= revision) return;
  const missedSome = latest > revision + 1;
  revision = latest;
  if (missedSome || !question) refreshBoard();
  else refreshQuestion(question);
  refreshState();
};

// A question of one's own comes with its request; it may have come by the stream before

document.addEventListener("htmx:before:swap", (event) => {
  for (const task of event.detail.tasks ?? []) {
    const fresh = task.fragment?.querySelector?.("[data-question]");
    if (fresh && task.swapSpec?.style === "beforeend") questionOf(fresh.dataset.question)?.remove();
  }
});

document.addEventListener("htmx:after:swap", () => {
  showNumber();
  const fresh = document.querySelector("[data-new-question]");
  if (!fresh) return;
  delete fresh.dataset.newQuestion;
  catchUp(fresh);
  fresh.scrollIntoView({ block: "start" });
  markCurrent();
});

// Keys choose in the question that holds the focus, else in the last one whose beginning is in view

function current() {
  const focused = document.activeElement.closest("[data-question]");
  if (focused) return focused;
  const edges = board.getBoundingClientRect();
  const all = [...document.querySelectorAll("[data-question]")];
  const begun = all.filter((one) => one.getBoundingClientRect().top < edges.bottom - 80);
  return begun.at(-1) ?? all[0];
}

let isMarking = false;

function markCurrent() {
  if (isMarking) return;
  isMarking = true;
  requestAnimationFrame(() => {
    isMarking = false;
    const chosen = current();
    for (const one of document.querySelectorAll("[data-question]")) {
      one.toggleAttribute("data-current", one === chosen);
    }
  });
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!/^[0-9]$/.test(event.key) || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  current()?.querySelector(`[data-vote="${event.key}"]`)?.click();
});

// Columns have no cards of their sources: the passage opens at once. Told before app.js looks.
document.addEventListener("click", (event) => {
  const number = event.target.closest(".col a:is([data-cite], [data-found])");
  if (number) number.dataset.dialog = "sheet";
}, { capture: true });

// How many are asked

function showNumber() {
  const question = document.getElementById("question");
  const ticked = document.querySelectorAll("#compare-state [name=blueprint]:checked");
  if (!question) return;
  const [only] = ticked;
  const who = ticked.length === 1
    ? only.closest("label").querySelector(".clip").textContent
    : NUMBERS[ticked.length] || (ticked.length ? `all ${ticked.length}` : "");
  question.placeholder = who ? `Ask ${who}…` : "Tick who is to answer, then ask…";
}

document.addEventListener("change", (event) => {
  if (event.target.name === "blueprint") showNumber();
});
document.addEventListener("focusin", markCurrent);
board.addEventListener("scroll", markCurrent, { passive: true });
showNumber();
if (!location.hash) document.querySelector("[data-question]:last-child")?.scrollIntoView({ block: "start" });
markCurrent();
