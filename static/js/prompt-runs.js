// The prompt editor's runs: samples side by side, as their words come.

import { toast } from "./app.js";

const form = document.getElementById("editor");
const results = document.getElementById("results");
const problems = document.getElementById("problems");
const live = document.getElementById("live");
const runButton = document.getElementById("run");
const stopButton = document.getElementById("stop");

let running = null; // the AbortController of the run that is under way

function sample(number) {
  const card = document.createElement("article");
  card.className = "card sample";
  card.setAttribute("aria-busy", "true");
  card.setAttribute("aria-labelledby", `sample-${number}`);
  const title = document.createElement("h3");
  title.className = "label";
  title.id = `sample-${number}`;
  title.textContent = `Sample ${number}`;
  const body = document.createElement("div");
  body.dataset.body = "";
  const answer = document.createElement("div");
  answer.className = "answer is-streaming";
  const text = document.createElement("span");
  text.dataset.text = "";
  const caret = document.createElement("span");
  caret.className = "caret";
  answer.append(text, caret);
  body.append(answer);
  card.append(title, body);
  return card;
}

function note(card, text, isBad) {
  const place = document.createElement("div");
  place.className = "meta";
  const said = document.createElement("span");
  said.className = isBad ? "bad" : "";
  said.textContent = text;
  place.append(said);
  card.querySelector("[data-body]").append(place);
  return place;
}

// What was said so far stays; its log is written by now, or in a moment.
function cutShort(cards, logs, text, isBad) {
  cards.forEach((card, index) => {
    if (!card.hasAttribute("aria-busy")) return;
    card.removeAttribute("aria-busy");
    card.querySelector(".caret")?.remove();
    const place = note(card, text, isBad);
    if (!logs[index]) return;
    const link = document.createElement("a");
    link.className = "text-btn";
    link.href = form.dataset.trace.replace(/0{24}/, logs[index]);
    link.textContent = "Trace";
    place.append(link);
  });
}

function take(line, cards, logs) {
  const told = JSON.parse(line);
  if (told.logs) {
    logs.push(...told.logs);
    return;
  }
  const card = cards[told.sample];
  if (told.text !== undefined) {
    card.querySelector("[data-text]")?.append(told.text);
  } else {
    card.querySelector("[data-body]").innerHTML = told.card;
    if (told.over) card.removeAttribute("aria-busy");
  }
}

async function read(response, cards, logs) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) take(line, cards, logs);
  }
}

async function refuse(response) {
  const html = await response.text();
  if (response.status === 422) {
    problems.innerHTML = html;
    problems.scrollIntoView({ block: "nearest" });
    return;
  }
  const page = new DOMParser().parseFromString(html, "text/html");
  toast(page.querySelector("p")?.textContent || "The server did not take the run. Reload the page and try again.");
}

async function run() {
  if (running) return;
  running = new AbortController();
  problems.replaceChildren();
  const hadFocus = document.activeElement === runButton;
  stopButton.hidden = false;
  runButton.disabled = true;
  if (hadFocus) stopButton.focus();
  const logs = [];
  let cards = [];
  let end = "The run is finished.";
  try {
    const response = await fetch(form.dataset.run, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { "HX-Request": "true" },
      signal: running.signal,
    });
    if (response.headers.has("HX-Redirect")) {
      location.href = response.headers.get("HX-Redirect"); // signed out meanwhile
      return;
    }
    if (!response.ok) {
      await refuse(response);
      return;
    }
    cards = Array.from({ length: Number(form.elements.samples.value) }, (_, index) => sample(index + 1));
    results.replaceChildren(...cards);
    live.textContent = "The run has begun.";
    await read(response, cards, logs);
    cutShort(cards, logs, "The server broke off. Run it again.", true);
  } catch (error) {
    const isStopped = error.name === "AbortError";
    end = isStopped ? "The run was stopped." : "The run broke off.";
    cutShort(cards, logs, isStopped ? "stopped" : "The connection broke off. Run it again.", !isStopped);
    if (!isStopped && !cards.length) toast("The server cannot be reached. Check that it runs, then try again.");
  } finally {
    running = null;
    runButton.disabled = false;
    const stopHadFocus = document.activeElement === stopButton;
    stopButton.hidden = true;
    if (stopHadFocus) runButton.focus();
    if (cards.length) live.textContent = end;
  }
}

runButton.addEventListener("click", run);
stopButton.addEventListener("click", () => running?.abort());
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  run();
});
window.addEventListener("pagehide", () => running?.abort());
