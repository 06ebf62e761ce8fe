// The command palette (Ctrl K) and the sheet of keys (?).

import { fetchFragment } from "./fragments.js";

const WAIT_MS = 100;
const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const results = document.getElementById("palette-results");
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
let timer = null;
let latest = 0;

const options = () => [...results.querySelectorAll("[role=option]")];
const active = () => results.querySelector("[aria-selected=true]");

function open() {
  if (palette.open) return;
  input.value = "";
  palette.showModal();
  search();
}

async function search() {
  const mine = ++latest;
  const query = new URLSearchParams({ q: input.value, use_case: palette.dataset.useCase });
  try {
    const found = await fetchFragment(`${palette.dataset.url}?${query}`);
    // Answers may overtake each other.
    if (mine !== latest) return;
    results.replaceChildren(found);
    choose(options()[0]);
  } catch {
    if (mine !== latest) return;
    results.textContent = "The server cannot be reached. Check that it runs, then try again.";
    choose(undefined);
  }
}

function choose(option) {
  active()?.setAttribute("aria-selected", "false");
  input.setAttribute("aria-expanded", String(options().length > 0));
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = options();
  if (!all.length) return;
  choose(all[(all.indexOf(active()) + by + all.length) % all.length]);
}

input?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, WAIT_MS);
});

input?.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "ArrowDown") step(1);
  else if (event.key === "ArrowUp") step(-1);
  else if (event.key === "Enter") active()?.click();
  else return;
  event.preventDefault();
});

results?.addEventListener("mousemove", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && option !== active()) choose(option);
});

palette?.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });

// The keys

function showKeys() {
  const dialog = document.getElementById("dialog");
  dialog.classList.remove("sheet");
  document.getElementById("dialog-content").replaceChildren(document.getElementById("keys").content.cloneNode(true));
  nameCommandKey(dialog);
  dialog.showModal();
}

function nameCommandKey(place) {
  if (!isMac) return;
  for (const key of place.querySelectorAll("[data-ctrl]")) key.textContent = key.textContent.replace("Ctrl", "⌘");
}

const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (!palette || event.altKey || event.isComposing) return;
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
    event.preventDefault();
    if (palette.open) palette.close();
    else if (!document.querySelector("dialog[open]")) open();
  } else if (event.key === "?" && !event.ctrlKey && !event.metaKey && !isTyping(event.target)) {
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    showKeys();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-palette]")) open();
  if (event.target.closest("[data-show-keys]")) showKeys();
});

nameCommandKey(document);
