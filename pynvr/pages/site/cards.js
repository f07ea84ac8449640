// The cards: a picture, and what there is to know, of each recording.
"use strict";

(() => {
  const AT_ONCE = 40;
  let waiting = [], play = () => {};
  const place = () => document.getElementById("cards");
  const cards = new WeakMap(), recordings = new WeakMap();

  function text(tag, className, content) {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = content;
    return element;
  }

  function picture(recording) {
    const frame = text("span", "picture", "");
    if (recording.picture === null) {
      frame.append(text("span", "none", "no picture"));
      return frame;
    }
    const image = document.createElement("img");
    image.loading = "lazy";
    image.decoding = "async";
    image.alt = "";
    image.src = recording.picture;
    image.addEventListener("error", () => frame.replaceChildren(text("span", "none", "no picture")), { once: true });
    frame.append(image);
    return frame;
  }

  // While the pointer or the finger moves over a card, its strip of pictures follows.
  pynvr.film = (frame, recording, share) => {
    let strip = frame.querySelector("img.strip");
    if (!strip) {
      strip = document.createElement("img");
      strip.className = "strip";
      strip.alt = "";
      strip.src = recording.strip;
      frame.append(strip);
    }
    const tile = Math.min(recording.tiles - 1, Math.max(0, Math.floor(share * recording.tiles)));
    strip.style.width = `${recording.tiles * 100}%`;
    strip.style.transform = `translateX(${-tile / recording.tiles * 100}%)`;
  };

  function follow(card, frame, recording) {
    if (!recording.strip) return;
    card.addEventListener("pointermove", (event) => {
      const box = frame.getBoundingClientRect();
      pynvr.film(frame, recording, (event.clientX - box.left) / box.width);
    });
    card.addEventListener("pointerleave", () => frame.querySelector("img.strip")?.remove());
  }

  function badges(recording) {
    const told = [
      recording.kept && "kept", recording.recovered && "recovered", recording.undecodable && "partly undecodable",
      recording.continues && "goes on from before",
    ].filter(Boolean);
    return told.map((each) => text("span", "badge", each));
  }

  function make(recording) {
    const item = document.createElement("li");
    const card = document.createElement("button");
    card.type = "button";
    card.className = "card";
    const frame = picture(recording);
    const when = text("strong", "", pynvr.clock(recording.trigger));
    when.title = pynvr.utc(recording.trigger);
    const meter = text("span", "motion", "");
    meter.title = "how much moved";
    const bar = text("span", "", "");
    bar.style.width = `${Math.round(pynvr.share(recording) * 100)}%`;
    meter.append(bar);
    const about = text("span", "about", `${recording.camera.name} · ${pynvr.duration(recording.length)} · ${pynvr.size(recording.bytes)}`);
    card.append(frame, when, about, meter, ...badges(recording));
    card.addEventListener("click", () => play(recording));
    follow(card, frame, recording);
    cards.set(recording, card);
    recordings.set(card, recording);
    item.append(card);
    return item;
  }

  function more() {
    place().append(...waiting.splice(0, AT_ONCE).map(make));
    document.getElementById("more").hidden = waiting.length === 0;
  }

  const seen = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) more();
  }, { rootMargin: "600px" });

  pynvr.drawCards = (recordings, onPlay) => {
    waiting = [...recordings];
    play = onPlay;
    place().replaceChildren();
    more();
    seen.observe(document.getElementById("more"));
  };

  pynvr.recordingOf = (card) => recordings.get(card);

  // Bring a recording's card into view, made by now if it was not; the keyboard goes on from there.
  pynvr.focusCard = (recording) => {
    while (!cards.get(recording)?.isConnected && waiting.length) more();
    cards.get(recording)?.focus();
    cards.get(recording)?.scrollIntoView({ block: "nearest" });
  };
})();
