// Runs before the first paint: the reader's choice of theme, kept in this browser.
{
  const stored = (() => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  })();
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
  document.documentElement.dataset.js = "";
}
