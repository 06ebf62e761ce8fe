// Dropped and chosen files go up one by one, each with its own bar and its own error.

const AT_ONCE = 3;

function row(list, file) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.className = "clip";
  name.textContent = file.name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  const note = document.createElement("p");
  note.className = "note-line";
  item.append(name, bar, note);
  list.append(item);
  return {
    progress: (share) => { bar.value = share; },
    done: (message, failed) => {
      bar.remove();
      note.textContent = message;
      note.classList.toggle("bad", failed);
    },
  };
}

function describe(answer) {
  const bad = answer.files.filter((file) => file.error);
  const good = answer.files.length - bad.length;
  const errors = bad.map((file) => (answer.files.length > 1 ? `${file.name}: ${file.error}` : file.error));
  if (good > 1) errors.unshift(`${good} documents added`);
  return { message: errors.join(" · ") || "Added", failed: bad.length > 0, good };
}

function send(form, file, line) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    data.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    data.append("files", file);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) line.progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      let result = { message: "The server did not take the file. Reload the page and try again.", failed: true, good: 0 };
      try { result = describe(JSON.parse(request.responseText)); } catch { /* an error page: the message above says it */ }
      line.done(result.message, result.failed);
      resolve(result);
    });
    request.addEventListener("error", () => {
      line.done("The connection broke off. Try this file again.", true);
      resolve({ failed: true, good: 0 });
    });
    request.send(data);
  });
}

async function upload(form, files) {
  const list = form.querySelector("[data-upload-list]");
  const waiting = [...files].map((file) => [file, row(list, file)]);
  let added = 0;
  let failed = 0;
  const worker = async () => {
    while (waiting.length) {
      const [file, line] = waiting.shift();
      const result = await send(form, file, line);
      added += result.good;
      failed += result.failed ? 1 : 0;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  form.reset();
  // With errors the reader is left to read them; the list is fresh after any reload.
  if (added && !failed) location.reload();
  else if (added) offerReload(list);
}

function offerReload(list) {
  if (list.nextElementSibling?.matches("[data-reload]")) return;
  const link = document.createElement("p");
  link.dataset.reload = "";
  link.innerHTML = '<a class="link" href="">Show the documents that were added</a>';
  list.after(link);
}

for (const form of document.querySelectorAll("[data-upload]")) {
  const drop = form.querySelector("[data-drop]");
  const input = form.querySelector("input[type=file]");
  const oneByOne = form.dataset.upload !== "whole";
  const begin = (files) => {
    if (!files.length) return;
    if (oneByOne) {
      upload(form, files);
    } else {
      input.files = files;
      form.requestSubmit();
    }
  };
  if (oneByOne) {
    input.addEventListener("change", () => begin(input.files));
    form.addEventListener("submit", (event) => { event.preventDefault(); begin(input.files); });
  }
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.dataset.over = ""; });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, () => { delete drop.dataset.over; });
  }
  drop.addEventListener("drop", (event) => { event.preventDefault(); begin(event.dataTransfer.files); });
}
