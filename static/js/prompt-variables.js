// Which variables a prompt's texts have, as the server finds them.

export const VARIABLE = /\{\{\s*([a-zA-Z_\d.[\]]+)\s*\}\}/g;

// Their names in the order of their first use.
export function variablesIn(texts) {
  return [...new Set(texts.flatMap((text) => [...text.matchAll(VARIABLE)].map((match) => match[1])))];
}

// Beneath a system prompt, those in it and in the blueprint's further messages, while it is written.
function show(box, text) {
  const further = box.dataset.further ? box.dataset.further.split(" ") : [];
  const names = [...new Set([...variablesIn([text]), ...further])];
  box.hidden = names.length === 0;
  box.querySelector("[data-names]").replaceChildren(...names.map((name) => {
    const shown = document.createElement("code");
    shown.className = "variable";
    shown.textContent = `{{${name}}}`;
    return shown;
  }));
}

document.addEventListener("input", ({ target }) => {
  if (target.name !== "system_prompt") return;
  const box = target.closest("form")?.querySelector("[data-variables]");
  // Jinja's variables are found by the server alone, when the page is loaded.
  if (box && box.dataset.language !== "jinja") show(box, target.value);
});
