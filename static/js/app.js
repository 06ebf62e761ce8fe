// What every page has: theme switch, dialog, toasts, copy buttons, menus.

const TOAST_MS = 6000;
const THEME_SECONDS = 365 * 24 * 3600;

// Kept where the server reads it: pages come in the chosen theme, and nothing has to run before they show.
function setTheme(theme) {
  const isChosen = theme !== "system";
  if (isChosen) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  document.cookie = `theme=${theme}; path=/; samesite=lax; max-age=${isChosen ? THEME_SECONDS : 0}`;
  showTheme();
}

// Where not all tabs have room, this page's is in view.
function showTab() {
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function showTheme() {
  const current = document.documentElement.dataset.theme ?? "system";
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === current));
  }
}

export function toast(message, kind = "error") {
  const box = document.createElement("div");
  box.className = `toast is-${kind}`;
  const text = document.createElement("p");
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.dataset.closeToast = "";
  close.setAttribute("aria-label", "Close");
  close.textContent = "×";
  box.append(text, close);
  document.getElementById("toasts").append(box);
}

function expireToast(box) {
  if (box.classList.contains("is-error") || box.dataset.timed) return;
  box.dataset.timed = "1";
  setTimeout(() => box.remove(), TOAST_MS);
}

const dialog = document.getElementById("dialog");

export function openInDialog(url, { sheet = false } = {}) {
  dialog.classList.toggle("sheet", sheet);
  return window.htmx.ajax("GET", url, { target: "#dialog-content", swap: "innerHTML" });
}

function confirmHere(event) {
  // The form of a confirmation is short: what it asks is what the button says.
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  link.closest("details.menu")?.removeAttribute("open");
  openInDialog(link.href, { sheet: link.dataset.dialog === "sheet" });
}

function textToCopy(button) {
  if ("copyCode" in button.dataset) return button.closest(".code").querySelector("code").textContent;
  const source = button.dataset.copyFrom;
  return source ? document.getElementById(source).textContent : button.dataset.copy;
}

async function copy(button) {
  const text = textToCopy(button);
  try {
    await navigator.clipboard.writeText(text);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  } catch {
    toast("The browser did not allow copying: mark the text and copy it by hand.");
  }
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-set-theme], [data-close-toast], [data-close-dialog], [data-copy], [data-copy-from], [data-copy-code]");
  if (target) {
    if (target.dataset.setTheme) setTheme(target.dataset.setTheme);
    else if ("closeToast" in target.dataset) target.closest(".toast").remove();
    else if ("closeDialog" in target.dataset) { event.preventDefault(); dialog.close(); }
    else copy(target);
    return;
  }
  if (event.target === dialog) dialog.close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  }
  confirmHere(event);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (open) {
    open.removeAttribute("open");
    open.querySelector("summary").focus();
    event.stopImmediatePropagation();
  } else if (location.hash === "#side" || location.hash === "#panel") {
    location.hash = "#main";
    event.stopImmediatePropagation();
  }
});

document.addEventListener("htmx:after:swap", (event) => {
  const content = document.getElementById("dialog-content");
  // What comes late for a part of the dialog must not open it again after it was closed.
  if (event.detail.ctx?.target !== content) return;
  if (content.childElementCount && !dialog.open) dialog.showModal();
  // What led from one content to the next is gone: the keys go on from the top of the new one.
  else if (document.activeElement === document.body) content.querySelector("[data-close-dialog]")?.focus();
  // A long form was sent at its end: what is wrong may stand far above.
  content.querySelector("[role=alert], .errorlist")?.scrollIntoView({ block: "center" });
});
dialog.addEventListener("close", () => document.getElementById("dialog-content").replaceChildren());

// While a request was on its way, an event may have put a fresh part where its answer belongs.
document.addEventListener("htmx:before:swap", (event) => {
  for (const task of event.detail.tasks ?? []) {
    const { target } = task;
    if (target?.id && target.isConnected === false) task.target = document.getElementById(target.id) ?? target;
  }
});

// Only a request that never reached the server gets here without an answer of its own.
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.response || event.detail.error?.name === "AbortError") return;
  toast("The server cannot be reached. Check that it runs, then try again.");
});

new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node.classList?.contains("toast")) expireToast(node);
  }
}).observe(document.getElementById("toasts"), { childList: true });
for (const box of document.querySelectorAll(".toast")) expireToast(box);

for (const form of document.querySelectorAll("form[data-submit-at-once]")) form.requestSubmit();

showTab();
showTheme();
