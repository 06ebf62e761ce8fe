// The chat page: composer, keys, citations, earlier questions.

import { distanceFromEnd, toDistanceFromEnd, toEnd } from "./scroll.js";

const composer = document.getElementById("composer");
const question = document.getElementById("question");

// The composer

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

function draft(value) {
  const key = `draft:${composer.dataset.draft}`;
  try {
    if (value === undefined) return sessionStorage.getItem(key) ?? "";
    if (value) sessionStorage.setItem(key, value);
    else sessionStorage.removeItem(key);
  } catch { /* storage is blocked: drafts live as long as the page */ }
  return value;
}

// What was being written when a filter or a setting began the chat goes along to it.
function draftFromBefore() {
  const before = composer.dataset.draftBefore;
  if (!before || before === composer.dataset.draft) return "";
  try {
    const text = sessionStorage.getItem(`draft:${before}`) ?? "";
    sessionStorage.removeItem(`draft:${before}`);
    return text;
  } catch {
    return "";
  }
}

// Questions of this chat, as ↑ and ↓ in an empty composer bring them back; 0 is what was not sent yet.
let steps = 0;
// ↑ has come to the first question of the page, and goes on once those before it are there.
let goesOn = false;

function recall(direction) {
  const asked = [...document.querySelectorAll(":is(.turn, .question) .ask")].map((one) => one.textContent);
  const earlier = document.querySelector(".earlier a");
  goesOn = steps + direction > asked.length && earlier !== null;
  if (goesOn) earlier.click();
  const next = Math.min(asked.length, Math.max(0, steps + direction));
  if (next === steps) return;
  steps = next;
  question.value = steps ? asked.at(-steps) : "";
  grow();
}

// Within a question of several lines the keys go from line to line first.
function recalls(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
  const { value, selectionStart, selectionEnd } = question;
  if (event.key === "ArrowUp") return value === "" || (steps > 0 && !value.slice(0, selectionStart).includes("\n"));
  return event.key === "ArrowDown" && steps > 0 && !value.slice(selectionEnd).includes("\n");
}

if (composer) {
  question.value ||= draft() || draftFromBefore();
  // On a phone the keyboard would cover what is to be read.
  if (matchMedia("(hover: hover)").matches) question.focus({ preventScroll: true });
  grow();
  question.addEventListener("input", () => { steps = 0; goesOn = false; grow(); draft(question.value); });
  question.addEventListener("keydown", (event) => {
    if (recalls(event)) {
      event.preventDefault();
      recall(event.key === "ArrowUp" ? 1 : -1);
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      composer.requestSubmit();
    }
  });
  document.addEventListener("click", (event) => {
    const suggested = event.target.closest("[data-suggest]");
    if (!suggested) return;
    question.value = suggested.textContent;
    draft(question.value);
    steps = 0;
    grow();
    question.focus();
  });
  composer.addEventListener("htmx:after:request", (event) => {
    if (!event.detail.ctx.response?.raw?.ok) return;
    draft("");
    question.value = "";
    steps = 0;
    grow();
    question.focus();
  });
}

// Keys

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    [...document.querySelectorAll("[data-stop]")].at(-1)?.click();
  } else if (!isTyping(event.target)) {
    if (event.key === "/" && question) {
      event.preventDefault();
      question.focus();
    } else if (/^[1-9]$/.test(event.key)) {
      document.querySelector(`[data-key="${event.key}"]`)?.click();
    }
  }
});

// Citations: number and card light up together, and a click on the number opens the card. A sentence
// lights up its passage, and a passage the sentences that it supports.

function pair(target) {
  const turn = target.closest("[data-prompt]");
  const { cite, source, found, by } = target.dataset;
  const number = cite ?? source ?? found ?? by;
  if (!turn || !number) return [];
  const card = `[data-source="${number}"], [data-source="${number}"] .cite`;
  if (by || found) return [target.closest("[data-by]"), ...turn.querySelectorAll(card)];
  return turn.querySelectorAll(`[data-cite="${number}"], ${card}${source ? `, [data-by="${number}"]:not([data-support=none])` : ""}`);
}

function light(event, on) {
  const target = event.target.closest?.("[data-cite], [data-source], [data-found], [data-by]");
  if (target) for (const part of pair(target)) part.toggleAttribute("data-on", on);
}

const cardOf = (target, number) => target.closest("[data-prompt]")?.querySelector(`a[data-source="${number}"]`);

function leadTo(card) {
  const folded = card.closest("details");
  if (folded) folded.open = true;
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
  card.focus({ preventScroll: true });
}

// A sentence leads to its passage by a click anywhere, and to keys by the link behind it. Where there
// are no cards, in columns, its link is followed.
document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest("a[data-found]");
  const sentence = event.target.closest(".said[data-by]");
  if (link ? event.defaultPrevented : !sentence || event.target.closest("a, button")) return;
  // Whoever marks words does not want to be led away from them.
  if (!link && !getSelection().isCollapsed) return;
  const number = link?.dataset.found ?? sentence.dataset.by;
  const card = cardOf(event.target, number);
  if (card) {
    event.preventDefault();
    leadTo(card);
  } else if (!link) {
    sentence.querySelector(`a[data-cite="${number}"], a[data-found]`)?.click();
  }
});

for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
  document.addEventListener(name, (event) => light(event, on));
}

document.addEventListener("click", (event) => {
  const number = event.target.closest("a[data-cite]");
  if (!number || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const card = cardOf(number, number.dataset.cite);
  if (!card) return;
  event.preventDefault();
  card.click();
});

document.addEventListener("htmx:after:swap", ({ detail }) => {
  // Not when something in the dialog changes: who has scrolled on stays there.
  if (detail.ctx.target?.id !== "dialog-content") return;
  document.getElementById("passage")?.scrollIntoView({ block: "center" });
});

// A filter was added in the dialog, or taken out: the focus goes where the next one begins.

document.addEventListener("htmx:after:swap", ({ detail }) => {
  // The server names the place, so that it is a selector here.
  if (detail.ctx.target !== "#filter-chips") return;
  document.getElementById("dialog").close();
  document.getElementById("add-filter").focus();
});

// Earlier questions come above what is being read, which stays where it is.
const NEAR_TOP = 200;
const thread = document.getElementById("thread-wrap");
thread?.addEventListener("scroll", () => {
  if (thread.scrollTop < NEAR_TOP) thread.querySelector("a[data-as-scrolled]")?.click();
}, { passive: true });

let reading = null;
const asksForEarlier = ({ ctx }) => ctx.sourceElement?.matches?.(".earlier a");
document.addEventListener("htmx:before:swap", ({ detail }) => {
  if (!asksForEarlier(detail)) return;
  reading = {
    distance: distanceFromEnd(),
    first: document.querySelector(".turn, .question"),
    hadFocus: detail.ctx.sourceElement === document.activeElement,
  };
});
document.addEventListener("htmx:after:swap", ({ detail }) => {
  if (!asksForEarlier(detail)) return;
  toDistanceFromEnd(reading.distance);
  if (goesOn) recall(1);
  if (!reading.hadFocus) return;
  const link = document.querySelector(".earlier a");
  // No key that was meant for the link may do anything else.
  if (!link) reading.first.tabIndex = -1;
  (link ?? reading.first).focus({ preventScroll: true });
});

// Who leafs through versions of an answer by keys stays at the same arrow, or comes to the other one.

document.addEventListener("htmx:after:swap", ({ detail }) => {
  const arrow = detail.ctx.sourceElement;
  if (!arrow?.matches?.(".versions a") || document.activeElement !== document.body) return;
  const same = document.getElementById(arrow.id);
  const pair = [arrow.id.replace("before-", "after-"), arrow.id.replace("after-", "before-")];
  (same ?? document.getElementById(pair.find((id) => id !== arrow.id)))?.focus();
});

if (location.hash.startsWith("#prompt-")) document.querySelector(location.hash)?.scrollIntoView();
else toEnd();
