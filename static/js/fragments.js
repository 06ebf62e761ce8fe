// Fetching a fragment of the page from the server and putting it in its place.

export async function fetchFragment(url) {
  const response = await fetch(url, { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  return template.content.firstElementChild;
}

// What every form that is sent without htmx needs, as the server wrote it for htmx.
export function csrfHeaders() {
  return JSON.parse(document.body.getAttribute("hx-headers:inherited"));
}

export function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  old.replaceWith(fresh);
  window.htmx.process(fresh);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
