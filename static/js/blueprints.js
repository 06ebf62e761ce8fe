// Blueprints change places by dragging; the buttons of their menus do the same by keys.

let dragged = null;
let next = null; // what the dragged one stood before

const items = () => [...document.querySelectorAll("#blueprints [data-draggable]")];

document.addEventListener("dragstart", (event) => {
  const item = event.target.closest?.("[data-draggable]");
  if (!item) return;
  dragged = item;
  next = item.nextElementSibling;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", item.id);
  item.classList.add("is-dragged");
});

document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.("#blueprints [data-draggable]");
  if (!over) return;
  event.preventDefault();
  if (over === dragged) return;
  const box = over.getBoundingClientRect();
  if (event.clientY > box.top + box.height / 2) over.after(dragged);
  else over.before(dragged);
});

document.addEventListener("drop", (event) => {
  if (dragged && event.target.closest?.("#blueprints")) event.preventDefault();
});

document.addEventListener("dragend", (event) => {
  if (!dragged) return;
  const item = dragged;
  dragged = null;
  item.classList.remove("is-dragged");
  if (item.nextElementSibling === next) return;
  if (event.dataTransfer.dropEffect === "none") {
    item.parentElement.insertBefore(item, next);
    return;
  }
  const form = item.querySelector(".moves");
  const to = form.querySelector("input[name=to]");
  to.value = items().indexOf(item);
  to.disabled = false;
  form.requestSubmit();
});
