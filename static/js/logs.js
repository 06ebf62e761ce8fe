// The list of logs: its filter in the address, and new logs at its top while it is live.

import { fetchFragment, replace } from "./fragments.js";

const SOONEST_MS = 1000;
const AGAIN_MS = 2000;
const filter = document.getElementById("filter");
const button = document.getElementById("live-btn");
const said = document.getElementById("live");
let isWaiting = false; // for the moment of the next look
let isStale = false; // something came that is not shown
let lookedAt = 0;

const list = () => document.getElementById("logs");
const rows = () => document.getElementById("log-rows");
const isLive = () => button?.getAttribute("aria-pressed") === "true";

// What is empty is not part of the address.
filter.addEventListener("formdata", ({ formData }) => {
  for (const name of [...formData.keys()]) if (!formData.get(name)) formData.delete(name);
});
document.addEventListener("htmx:after:swap", () => {
  const here = list()?.dataset.url;
  if (!here || here === location.pathname + location.search) return;
  history.replaceState(history.state, "", here);
  if (button) button.hidden = false;
  isStale = false;
});

// A reader who is somewhere in the list, or marks something, must not lose their place.
function isBusy() {
  const marked = getSelection();
  const body = rows();
  if (document.hidden || document.getElementById("dialog").open) return true;
  if (marked && !marked.isCollapsed && list().contains(marked.anchorNode)) return true;
  if (body?.contains(document.activeElement)) return true;
  return list().querySelector(".table-wrap, .empty")?.getBoundingClientRect().top < 0;
}

function showState() {
  const isPaused = isLive() && isStale && isBusy();
  button.toggleAttribute("data-paused", isPaused);
  button.title = isPaused ? "Paused while you read: go to the top to go on" : "New logs appear at the top";
  const news = document.getElementById("live-news");
  if (news) news.hidden = !isStale || (isLive() && !isPaused);
}

async function look() {
  isWaiting = false;
  if (!isLive() || isBusy() || !list().dataset.first) return showState();
  lookedAt = performance.now();
  isStale = false;
  const asked = list().dataset.url;
  try {
    const fresh = await fetchFragment(asked);
    if (list().dataset.url !== asked) return undefined; // the filter was changed meanwhile
    if (isBusy()) isStale = true;
    else merge(fresh);
  } catch {
    isStale = true;
    setTimeout(lookSoon, AGAIN_MS);
  }
  return showState();
}

function lookSoon() {
  isStale = true;
  if (isWaiting) return;
  isWaiting = true;
  setTimeout(look, Math.max(0, lookedAt + SOONEST_MS - performance.now()));
}

// What is on the page already stays the same element; a log is there once.
function merge(fresh) {
  const old = rows();
  const body = fresh?.querySelector("#log-rows");
  if (!old || !body) {
    if (fresh) replace(list(), fresh);
    tell(body?.rows.length);
    return;
  }
  const known = new Map([...old.rows].map((row) => [row.id, row]));
  let count = 0;
  const merged = [...body.rows].map((row) => {
    const shown = known.get(row.id);
    if (shown && shown.innerHTML === row.innerHTML) return shown;
    if (!shown) {
      count += 1;
      row.classList.add("is-new");
    }
    return row;
  });
  const focused = document.activeElement;
  old.replaceChildren(...merged);
  focused?.focus?.({ preventScroll: true });
  const pages = list().querySelector(".turn-over");
  const freshPages = fresh.querySelector(".turn-over");
  if (pages && freshPages) pages.replaceWith(freshPages);
  else if (freshPages) list().append(freshPages);
  tell(count);
}

function tell(count) {
  if (count) said.textContent = count === 1 ? "One new log." : `${count} new logs.`;
}

document.addEventListener("groundwork:logged", () => {
  if (isLive()) lookSoon();
  else {
    isStale = true;
    showState();
  }
});
button?.addEventListener("click", () => {
  button.setAttribute("aria-pressed", String(!isLive()));
  if (isLive()) lookSoon();
  showState();
});
for (const name of ["scrollend", "selectionchange", "visibilitychange", "focusout"]) {
  document.addEventListener(name, () => { if (isLive() && isStale) lookSoon(); });
}
