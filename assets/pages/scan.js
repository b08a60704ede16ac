// Packs without leaving the page: a scanner types a barcode and Enter, the answer
// takes the page's place, a sound says whether it was right, and the line is ready
// for the next. Without this script the form does the same by itself.
(() => {
  let waiting = Promise.resolve(), sound;

  function beep(kind) {
    const tones = { good: [[880, 0.09]], odd: [[660, 0.12], [880, 0.12]], bad: [[220, 0.25], [180, 0.35]] }[kind];
    if (!tones || !window.AudioContext) return;
    sound = sound || new AudioContext();
    let at = sound.currentTime;
    for (const [pitch, length] of tones) {
      const tone = sound.createOscillator(), loud = sound.createGain();
      tone.type = kind === "bad" ? "square" : "sine";
      tone.frequency.value = pitch;
      loud.gain.value = 0.15;
      tone.connect(loud).connect(sound.destination);
      tone.start(at);
      tone.stop(at += length);
      at += 0.04;
    }
  }

  async function pack(action, item) {
    const answer = await fetch(action, { method: "POST", body: new URLSearchParams({ item }), headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("packing");
    if (!answer.ok || !fresh) { location.reload(); return; } // signed out, or sent meanwhile
    const typed = document.getElementById("item").value; // the next one came meanwhile
    document.getElementById("packing").replaceWith(document.importNode(fresh, true));
    const line = document.getElementById("item");
    line.value = typed;
    line.focus({ preventScroll: true });
    beep(document.getElementById("said").dataset.sound);
  }

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "scan" || !window.fetch) return;
    event.preventDefault();
    const line = document.getElementById("item"), item = line.value.trim(), action = event.target.action;
    line.value = "";
    line.focus({ preventScroll: true });
    if (item) waiting = waiting.then(() => pack(action, item)).catch(() => {
      const said = document.getElementById("said");
      said.textContent = document.getElementById("live").dataset.lost + " " + item;
      said.classList.add("amiss");
      beep("bad");
    });
  });

  const line = document.getElementById("item"), said = document.getElementById("said");
  if (line) line.focus({ preventScroll: true });
  if (said) beep(said.dataset.sound);
})();
