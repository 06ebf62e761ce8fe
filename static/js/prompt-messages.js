// The prompt editor's messages: added, removed, moved; and an input for each variable in them.

import { markVariables } from "./prompt-marks.js";
import { variablesIn } from "./prompt-variables.js";

const form = document.getElementById("editor");
const list = document.getElementById("messages");
const inputs = document.getElementById("inputs");
const live = document.getElementById("live");
const values = new Map(); // variable -> what was filled in, also while no message has it

let isChanged = false;

const rows = () => [...list.querySelectorAll("[data-message]")];

function number() {
  rows().forEach((row, index) => {
    const place = index + 1;
    row.id = `message-${place}`;
    for (const part of row.querySelectorAll("[aria-label]")) {
      part.setAttribute("aria-label", part.getAttribute("aria-label").replace(/message \w+/, `message ${place}`));
    }
  });
}

function say(text) {
  live.textContent = text;
}

function add() {
  const row = document.getElementById("message-row").content.firstElementChild.cloneNode(true);
  // Whoever was asked answers next.
  if (rows().at(-1)?.querySelector("[name=role]").value === "user") row.querySelector("[name=role]").value = "assistant";
  list.append(row);
  changed();
  row.querySelector("textarea").focus();
}

function remove(row) {
  const next = row.nextElementSibling?.matches("[data-message]") ? row.nextElementSibling : row.previousElementSibling;
  row.remove();
  changed();
  (next?.querySelector("textarea") ?? document.getElementById("add-message")).focus();
  say("The message was removed.");
}

function move(row, step) {
  const all = rows();
  const other = all[all.indexOf(row) + step];
  if (!other) return;
  const focused = document.activeElement;
  if (step < 0) other.before(row);
  else other.after(row);
  focused.focus();
  changed();
  say(`Now message ${rows().indexOf(row) + 1} of ${all.length}.`);
}

function variables() {
  return variablesIn([...list.querySelectorAll("textarea")].map((text) => text.value));
}

function field(name) {
  const box = document.createElement("div");
  box.className = "field";
  box.dataset.input = name;
  const label = document.createElement("label");
  label.htmlFor = `input-${name}`;
  label.textContent = name;
  const text = document.createElement("textarea");
  text.className = "in";
  text.id = label.htmlFor;
  text.name = `${form.dataset.input}${name}`;
  text.rows = 1;
  text.value = values.get(name) ?? "";
  box.append(label, text);
  return box;
}

function showInputs() {
  // Jinja's variables are found by the server alone, when the page is loaded.
  if (form.dataset.language === "jinja") return;
  const wanted = variables();
  const there = new Map([...inputs.children].map((box) => [box.dataset.input, box]));
  for (const [name, box] of there) {
    values.set(name, box.querySelector("textarea").value);
    if (!wanted.includes(name)) box.remove();
  }
  wanted.forEach((name, index) => {
    const box = there.get(name) ?? field(name);
    // Only what stands elsewhere is moved: moving takes the focus away.
    if (inputs.children[index] !== box) inputs.insertBefore(box, inputs.children[index] ?? null);
  });
}

function markAll() {
  for (const text of list.querySelectorAll("textarea")) markVariables(text);
}

function changed() {
  isChanged = true;
  number();
  markAll();
  showInputs();
}

document.getElementById("add-message").addEventListener("click", add);
list.addEventListener("input", ({ target }) => {
  if (target.matches("textarea")) markVariables(target);
  showInputs();
});
list.addEventListener("click", ({ target }) => {
  const row = target.closest("[data-message]");
  if (target.closest("[data-remove]")) remove(row);
  else if (target.closest("[data-move]")) move(row, Number(target.closest("[data-move]").dataset.move));
});
list.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const row = event.target.closest("[data-message]");
  if (!step || !row || !event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  move(row, step);
});

// What was written and not saved is not lost without a question. A run's inputs are no part of it.
form.addEventListener("input", ({ target }) => {
  if (!target.closest(".run-with")) isChanged = true;
});
form.addEventListener("submit", () => { isChanged = false; });
markAll();
window.addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });
