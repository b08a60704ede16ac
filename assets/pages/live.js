// Keeps a page fresh: when the hub says that something changed, and once a
// minute for the ages, the page is asked for again and its content exchanged.
// Without this script the page is as it was when it was loaded.
(() => {
  const main = document.querySelector("main[data-live]");
  const status = document.getElementById("live");
  if (!main || !window.EventSource) return;
  let due = 0, busy = false, again = false;

  async function refresh() {
    due = 0;
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) { location.reload(); return; } // signed out meanwhile
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        exchange(page);
      }
    } catch { /* the next change or minute tries again */ }
    busy = false;
    if (again) { again = false; soon(); }
  }

  // A person who is typing, or stands on a link, is left where they are.
  function exchange(page) {
    const fresh = page.querySelector("main");
    if (!fresh || fresh.innerHTML === main.innerHTML) return;
    const on = document.activeElement;
    if (main.contains(on) && on.matches("input, select, textarea, button")) return;
    if (main.querySelector("input[name=key]:checked")) return;
    const href = main.contains(on) ? on.getAttribute("href") : null;
    main.innerHTML = fresh.innerHTML;
    if (href !== null) {
      for (const link of main.querySelectorAll("a")) {
        if (link.getAttribute("href") === href) { link.focus({ preventScroll: true }); break; }
      }
    }
    const foot = page.querySelector("footer p"), here = document.querySelector("footer p");
    if (foot && here) here.firstChild.textContent = foot.firstChild.textContent;
  }

  function soon() { if (!due) due = setTimeout(refresh, 250); }

  const source = new EventSource(main.dataset.live);
  source.addEventListener("change", soon);
  source.addEventListener("open", () => { if (status.textContent) { status.textContent = ""; soon(); } });
  source.addEventListener("error", () => { status.textContent = status.dataset.lost; });
  setInterval(soon, 60000);
})();
