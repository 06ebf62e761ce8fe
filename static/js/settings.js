// Settings in a form: sliders that follow their numbers and the other way round, and what was changed.

const STEPS = 1000;

function scale(input) {
  const low = Number(input.min);
  const high = Number(input.max);
  const isLog = "log" in input.dataset;
  return {
    toSlider: (value) => (isLog
      ? STEPS * Math.log(value / low) / Math.log(high / low)
      : STEPS * (value - low) / (high - low)),
    toValue: (position) => {
      const share = position / STEPS;
      if (!isLog) {
        const step = Number(input.step);
        return Number((Math.round((low + share * (high - low)) / step) * step).toFixed(2));
      }
      const exact = low * (high / low) ** share;
      const round = exact > 100 ? 2 ** Math.floor(Math.log2(exact) - 4) : 1;
      return Math.min(high, Math.max(low, Math.round(exact / round) * round));
    },
  };
}

function place(slider) {
  const input = document.getElementById(slider.dataset.sliderFor);
  const fallback = {
    temperature: 0.7, top_p: 1, max_completion_length: 1024, similarity_threshold: 0,
  };
  // Of one of two sides, the name begins with which.
  const field = input.name.split("-").at(-1);
  const open = Number(input.placeholder) || (fallback[field] ?? Number(input.max));
  slider.min = 0;
  slider.max = STEPS;
  slider.value = scale(input).toSlider(input.value === "" ? open : Number(input.value));
}

function placeAll() {
  for (const slider of document.querySelectorAll("[data-slider-for]")) place(slider);
}

document.addEventListener("input", (event) => {
  const { target } = event;
  if (target.dataset.sliderFor) {
    const input = document.getElementById(target.dataset.sliderFor);
    input.value = scale(input).toValue(Number(target.value));
  } else if (target.matches(".num-in")) {
    const slider = document.querySelector(`[data-slider-for="${target.id}"]`);
    if (slider && target.validity.valid) place(slider);
  }
});

// Which settings the chat has of its own

function markChanged() {
  const state = document.querySelector("#settings-state > [data-changed]");
  if (!state) return;
  const changed = new Set(state.dataset.changed.split(" "));
  for (const field of document.querySelectorAll("#settings :is(input, select, textarea)[name]")) {
    field.closest(".setting, .field")?.toggleAttribute("data-changed", changed.has(field.name));
  }
}

// One was put back: its button is gone, its field is there.
document.addEventListener("htmx:after:swap", ({ detail }) => {
  const name = detail.ctx.sourceElement?.id === "put-back" && detail.ctx.request?.body?.get?.("field");
  if (name) document.querySelector(`#settings [name="${name}"]`)?.focus();
});

document.addEventListener("htmx:after:swap", () => { placeAll(); markChanged(); });
placeAll();
markChanged();
