// The time-line leads to a step's contents.

function open(id) {
  const step = document.getElementById(id);
  if (!step) return false;
  for (let inside = step; inside; inside = inside.parentElement.closest("details")) inside.open = true;
  step.scrollIntoView({ block: "start" });
  step.querySelector("summary").focus({ preventScroll: true });
  return true;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-step]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (!open(link.dataset.step)) return;
  event.preventDefault();
  history.replaceState(null, "", `#${link.dataset.step}`);
});

if (location.hash) open(location.hash.slice(1));
