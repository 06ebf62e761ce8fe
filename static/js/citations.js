// The passage behind a citation's number, shown beside it while the pointer or the focus is there.

import { fetchFragment } from "./fragments.js";

const WAIT_MS = 150;
const LEAVE_MS = 200;
const GAP = 6;
const box = document.createElement("div");
const passages = new Map(); // address -> promise of the fragment
let current = null;
let timer = null;

box.id = "citation-box";
box.className = "citation-box";
box.popover = "manual";
box.setAttribute("role", "tooltip");
document.body.append(box);

const numberAt = (event) => event.target.closest?.("a[data-cite], a[data-found]");

function fetchPassage(url) {
  if (!passages.has(url)) {
    const fetched = fetchFragment(url);
    // What failed is asked for again the next time.
    fetched.catch(() => passages.delete(url));
    passages.set(url, fetched);
  }
  return passages.get(url);
}

function place(number) {
  const around = number.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const right = document.documentElement.clientWidth - width - GAP;
  const above = around.top - height - GAP;
  box.style.left = `${Math.max(GAP, Math.min(around.left, right))}px`;
  box.style.top = `${above > GAP ? above : around.bottom + GAP}px`;
}

async function show(number) {
  hide();
  current = number;
  let fragment = null;
  try {
    fragment = await fetchPassage(`${number.getAttribute("href")}?brief`);
  } catch { /* the number leads to the passage all the same */ }
  if (!fragment || current !== number || !number.isConnected) return;
  box.replaceChildren(fragment.cloneNode(true));
  box.showPopover();
  place(number);
  number.setAttribute("aria-describedby", box.id);
}

function hide() {
  clearTimeout(timer);
  current?.removeAttribute("aria-describedby");
  current = null;
  if (box.matches(":popover-open")) box.hidePopover();
}

function after(milliseconds, act) {
  clearTimeout(timer);
  timer = setTimeout(act, milliseconds);
}

document.addEventListener("mouseover", (event) => {
  const number = numberAt(event);
  if (number && number !== current) after(WAIT_MS, () => show(number));
  else if (number || box.contains(event.target)) clearTimeout(timer);
});
document.addEventListener("mouseout", (event) => {
  if (numberAt(event) || box.contains(event.target)) after(LEAVE_MS, hide);
});
document.addEventListener("focusin", (event) => {
  const number = numberAt(event);
  // A click focuses, too, and opens the passage itself.
  if (number?.matches(":focus-visible")) show(number);
});
document.addEventListener("focusout", (event) => { if (numberAt(event)) hide(); });
document.addEventListener("click", hide);
// What moved under a pointer that rests is shown once it rests, too.
document.addEventListener("scroll", (event) => {
  if (event.target === box) return;
  if (box.matches(":popover-open")) hide();
  after(LEAVE_MS, () => {
    const number = document.querySelector("a[data-cite]:hover, a[data-found]:hover");
    if (number) show(number);
  });
}, { capture: true, passive: true });
// Before others hear of it: the key closes this box alone.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !box.matches(":popover-open")) return;
  hide();
  event.stopImmediatePropagation();
}, { capture: true });
