// Variables marked where they stand: behind the field, which is what is edited and read out.

import { VARIABLE } from "./prompt-variables.js";

function copyBehind(field) {
  const behind = document.createElement("div");
  behind.className = "behind";
  behind.setAttribute("aria-hidden", "true");
  field.before(behind);
  field.addEventListener("scroll", () => { behind.scrollTop = field.scrollTop; }, { passive: true });
  return behind;
}

export function markVariables(field) {
  const behind = field.previousElementSibling ?? copyBehind(field);
  const pieces = [];
  let end = 0;
  for (const match of field.value.matchAll(VARIABLE)) {
    const variable = document.createElement("mark");
    variable.textContent = match[0];
    pieces.push(field.value.slice(end, match.index), variable);
    end = match.index + match[0].length;
  }
  // A line break at the very end is a line only where something follows.
  behind.replaceChildren(...pieces, `${field.value.slice(end)}\u200b`);
  behind.scrollTop = field.scrollTop;
}
