// The page of a grid: the rows in view and no others, answers as they come in, and how far it all is.

import { openInDialog } from "./app.js";
import { isStreamed, page, showText } from "./events.js";
import { fetchFragment, replace } from "./fragments.js";

const OVERSCAN = 5; // rows above and below the view that are there already
const AT_ONCE = 16;
const MOST_KEPT = 300;
const SOON_MS = 250;
const STATE_MS = 1000;
const AGAIN_MS = 2000;
const root = document.querySelector("[data-grid]");
const table = document.getElementById("grid-table");
const scroller = document.getElementById("grid-scroll");
const body = document.getElementById("grid-rows");
const said = document.getElementById("grid-said");
const order = table ? table.dataset.order.split(",") : []; // the numbers of all rows
const rows = new Map(); // number -> row, as the server wrote it
const blanks = new Map(); // number -> what holds the place of a row that is on its way
const stale = new Set(); // numbers of rows that changed since they were written
let rowHeight = 1; // all are equally high

// Which rows are on the page

function spacer() {
  const row = document.createElement("tr");
  row.className = "is-spacer";
  row.setAttribute("aria-hidden", "true");
  const cell = document.createElement("td");
  cell.colSpan = document.querySelectorAll("#grid-head th").length;
  row.append(cell);
  return row;
}

const above = table && spacer();
const below = table && spacer();

function blank(number) {
  if (!blanks.has(number)) {
    const row = spacer();
    row.className = "is-blank";
    row.dataset.row = number;
    row.firstChild.style.height = `${rowHeight}px`;
    blanks.set(number, row);
  }
  return blanks.get(number);
}

function range() {
  const seen = scroller.clientHeight - document.getElementById("grid-head").offsetHeight;
  const first = Math.floor(scroller.scrollTop / rowHeight) - OVERSCAN;
  const last = Math.ceil((scroller.scrollTop + seen) / rowHeight) + OVERSCAN;
  return [Math.max(0, Math.min(first, order.length)), Math.min(order.length, Math.max(last, 0))];
}

function keep(wanted) {
  let hadFocus = false;
  for (const row of [...body.rows]) {
    if (row === above || row === below || wanted.has(row)) continue;
    hadFocus ||= row.contains(document.activeElement);
    row.remove();
    blanks.delete(row.dataset.row);
    // What still changes is asked for anew when it comes back into view.
    if ("open" in row.dataset) rows.delete(row.dataset.row);
  }
  for (const [number, row] of rows) {
    if (rows.size <= MOST_KEPT) break;
    if (!row.isConnected) rows.delete(number);
  }
  if (hadFocus) scroller.focus({ preventScroll: true });
}

function place() {
  const [first, last] = range();
  const wanted = order.slice(first, last).map((number) => rows.get(number) ?? blank(number));
  keep(new Set(wanted));
  let next = above.nextSibling;
  wanted.forEach((row, index) => {
    row.setAttribute("aria-rowindex", first + index + 2);
    if (row === next) next = row.nextSibling;
    else body.insertBefore(row, next);
  });
  above.firstChild.style.height = `${first * rowHeight}px`;
  below.firstChild.style.height = `${(order.length - last) * rowHeight}px`;
  above.hidden = first === 0;
  below.hidden = last === order.length;
  fetchRows();
}

// Rows as they are now

let isFetching = false;

function neededNow() {
  const shown = [...body.rows].map((row) => row.dataset.row).filter(Boolean);
  return shown.filter((number) => stale.has(number) || !rows.has(number)).slice(0, AT_ONCE);
}

async function fetchRows() {
  const numbers = isFetching ? [] : neededNow();
  if (!numbers.length) return;
  isFetching = true;
  for (const number of numbers) stale.delete(number);
  let isFine = false;
  try {
    const fresh = await fetchFragment(`${root.dataset.grid}rows/?n=${numbers.join(",")}`);
    if (!fresh) leave();
    else for (const row of [...fresh.querySelectorAll("tr")]) accept(row);
    // A number without a row: its blueprints were deleted.
    for (const number of numbers) if (!rows.has(number)) rows.set(number, blank(number));
    isFine = true;
  } catch {
    for (const number of numbers) stale.add(number);
  }
  isFetching = false;
  if (isFine) place();
  else setTimeout(fetchRows, AGAIN_MS);
}

function leave() {
  location.assign(document.querySelector(".tabs [aria-current]").href);
}

function accept(fresh) {
  const number = fresh.dataset.row;
  const old = rows.get(number) ?? blanks.get(number);
  rows.set(number, fresh);
  blanks.delete(number);
  if (old?.isConnected) {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    fresh.setAttribute("aria-rowindex", old.getAttribute("aria-rowindex"));
    old.replaceWith(fresh); // nothing in it is htmx's
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
  // The page has more of a running answer than was stored.
  for (const cell of fresh.querySelectorAll("[data-unfinished]")) {
    if (isStreamed(cell.dataset.prompt)) showText(cell.dataset.prompt);
  }
}

let fetchTimer = null;

function fetchSoon() {
  fetchTimer ??= setTimeout(() => { fetchTimer = null; fetchRows(); }, SOON_MS);
}

function renewOpenRows() {
  for (const row of body?.querySelectorAll("[data-open]") ?? []) stale.add(row.dataset.row);
  fetchSoon();
}

// How far it is

let stateTimer = null;
let stateAt = 0;

function stateSoon() {
  stateTimer ??= setTimeout(refreshState, Math.max(SOON_MS, stateAt + STATE_MS - performance.now()));
}

function written(part) {
  const copy = part.cloneNode(true);
  for (const field of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) field.removeAttribute("value");
  return copy.outerHTML;
}

const known = new WeakMap(); // what is on the page -> how the server wrote it

function renew(id, fresh) {
  const old = document.getElementById(id);
  if (!old || !fresh) return;
  const now = written(fresh);
  if ((known.get(old) ?? written(old)) === now) return;
  known.set(fresh, now);
  const hadFocus = old.contains(document.activeElement);
  replace(old, fresh);
  if (hadFocus && document.activeElement === document.body) (scroller ?? root).focus({ preventScroll: true });
}

async function refreshState() {
  stateTimer = null;
  stateAt = performance.now();
  try {
    const fresh = await fetchFragment(`${root.dataset.grid}state/`);
    if (!fresh) return leave();
    const wasActive = "active" in document.getElementById("grid-state").dataset;
    renew("grid-head", fresh.querySelector("#grid-head"));
    renew("grid-state", fresh.querySelector("#grid-state"));
    const state = document.getElementById("grid-state");
    if (wasActive && !("active" in state.dataset)) said.textContent = state.querySelector(".row").innerText;
    else if (!wasActive && "active" in state.dataset) said.textContent = "The grid is being asked.";
  } catch {
    setTimeout(stateSoon, AGAIN_MS);
  }
  return undefined;
}

// What the event stream tells

const rowWith = (id) => [...rows.values()].find((row) => row.querySelector(`[id="prompt-${id}"]`));

// Answers that changed since their sheet was asked for: it may show what was before.
const newer = new Set();
let isRenewing = false;

async function renewSheet() {
  const sheet = document.querySelector("#dialog [data-sheet-open]");
  if (isRenewing || !newer.delete(sheet?.dataset.sheet)) return;
  isRenewing = true;
  try {
    await openInDialog(`/cells/${sheet.dataset.sheet}/`, { sheet: true });
  } finally {
    isRenewing = false;
  }
  renewSheet();
}

// An answer can be there before the sheet that waits for it.
document.addEventListener("htmx:after:swap", renewSheet);

page.refresh = (id) => {
  const row = document.getElementById(`prompt-${id}`)?.closest("[data-row]");
  if (row) {
    stale.add(row.dataset.row);
    fetchSoon();
  } else if (body?.querySelector(".cell.is-empty")) {
    renewOpenRows(); // the question that it answers may be one of these
  }
  newer.add(id);
  renewSheet();
  stateSoon();
};
// Another answer takes its place: until then it stays.
page.remove = (id) => {
  const row = rowWith(id);
  if (row?.isConnected) stale.add(row.dataset.row);
  else if (row) rows.delete(row.dataset.row);
  fetchSoon();
  stateSoon();
};
page.evaluated = () => {
  renewOpenRows();
  stateSoon();
};

// A number in an answer opens its passage beside the page. Told before app.js looks.
document.addEventListener("click", (event) => {
  const number = event.target.closest(".answer a[data-cite]");
  if (number) number.dataset.dialog = "sheet";
}, { capture: true });

// Choosing what is shown

const view = document.getElementById("grid-view");
view?.addEventListener("change", () => view.requestSubmit());
// What is not chosen is not part of the address.
view?.addEventListener("formdata", ({ formData }) => {
  for (const name of [...formData.keys()]) if (!formData.get(name)) formData.delete(name);
});

let isPlacing = false;

function placeSoon() {
  if (isPlacing) return;
  isPlacing = true;
  requestAnimationFrame(() => { isPlacing = false; place(); });
}

function begin() {
  for (const row of body.querySelectorAll("[data-row]")) rows.set(row.dataset.row, row);
  rowHeight = body.querySelector("[data-row]").getBoundingClientRect().height;
  body.prepend(above);
  body.append(below);
  const named = order.indexOf(/^#row-(\d+)$/.exec(location.hash)?.[1]);
  const start = named >= 0 ? named : Number(table.dataset.start);
  above.firstChild.style.height = `${start * rowHeight}px`;
  below.firstChild.style.height = `${order.length * rowHeight}px`;
  scroller.scrollTop = start * rowHeight;
  place();
  scroller.addEventListener("scroll", placeSoon, { passive: true });
  new ResizeObserver(() => {
    rowHeight = body.querySelector("[data-row]:not(.is-blank)")?.getBoundingClientRect().height ?? rowHeight;
    placeSoon();
  }).observe(scroller);
}

if (table) begin();
if (document.querySelector("#grid-state[data-active]")) stateSoon();
