// An answer in the making: blocks that are complete come rendered from the server and never change
// again; the last one is shown as it is written.

import { csrfHeaders } from "./fragments.js";
import { keepEnd } from "./scroll.js";

const BETWEEN_MS = 400;
// article -> { text, settled: length of what is rendered, asked: length at the last request, passages }
const states = new WeakMap();

const part = (article, name) => article.querySelector(`[data-${name}]`);

function stateOf(article) {
  if (!states.has(article)) states.set(article, { text: "", settled: 0, asked: 0, passages: 0, busy: false });
  return states.get(article);
}

// Nothing happens where the article is not that of a running answer.
export function setText(article, text) {
  const place = article && part(article, "text");
  if (!place) return;
  const state = stateOf(article);
  keepEnd(() => {
    if (!text.startsWith(state.text.slice(0, state.settled))) {
      part(article, "settled")?.replaceChildren();
      state.settled = 0;
    }
    Object.assign(state, { text, asked: state.settled });
    showRest(article, state);
  });
  settle(article, state);
}

export function addText(article, piece) {
  const place = article && part(article, "text");
  if (!place) return;
  const state = stateOf(article);
  state.text += piece;
  keepEnd(() => place.append(piece));
  if (piece.includes("\n")) settle(article, state);
}

export function setPassages(article, count) {
  if (article) stateOf(article).passages = count;
}

function showRest(article, state) {
  const rest = state.text.slice(state.settled);
  const place = part(article, "text");
  place.textContent = rest;
  place.parentElement.classList.toggle("is-code", /^\s*(```|~~~|\|)/.test(rest));
}

async function settle(article, state) {
  if (!part(article, "settled")) return; // a place for words alone
  const end = state.text.lastIndexOf("\n") + 1;
  if (state.busy || end <= state.asked || end <= state.settled) return;
  state.busy = true;
  const sent = state.text;
  const from = state.settled;
  state.asked = end;
  try {
    const answer = await render(article, state, sent.slice(from, end));
    const isSame = state.settled === from && state.text.startsWith(sent);
    if (answer.length && isSame && article.isConnected) {
      keepEnd(() => {
        part(article, "settled").insertAdjacentHTML("beforeend", answer.html);
        state.settled += answer.length;
        showRest(article, state);
      });
    }
  } catch { /* what is shown as it was written is right, too; the end of the answer comes rendered */ }
  setTimeout(() => {
    state.busy = false;
    if (article.isConnected && part(article, "text")) settle(article, state);
  }, BETWEEN_MS);
}

async function render(article, state, text) {
  const body = new URLSearchParams({ text, passages: state.passages });
  const response = await fetch(`${article.dataset.url}growing/`, { method: "POST", body, headers: csrfHeaders() });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}
