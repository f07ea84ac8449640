// The player: a recording from its trigger on; what a browser cannot play, as a slow film of its strip.
"use strict";

(() => {
  const TILE_MS = 700;
  const UNPLAYABLE = [".avi", ".ts", ".mkv"];
  let film = 0, order = [], rows = [], current = null;
  const element = (id) => document.getElementById(id);
  const video = () => element("stage").querySelector("video");

  pynvr.playing = () => (element("player").open ? current : null);

  function slowFilm(recording, why) {
    const stage = element("stage");
    stage.replaceChildren();
    const frame = document.createElement("span");
    frame.className = "picture";
    if (recording.strip) {
      let tile = 0;
      const turn = () => { pynvr.film(frame, recording, tile / recording.tiles); tile = (tile + 1) % recording.tiles; };
      turn();
      film = setInterval(turn, TILE_MS);
    } else if (recording.picture) {
      const image = document.createElement("img");
      image.src = recording.picture;
      image.alt = "";
      frame.append(image);
    }
    stage.append(frame);
    const note = document.createElement("p");
    note.textContent = why;
    stage.append(note);
  }

  function showVideo(recording) {
    const player = document.createElement("video");
    player.controls = true;
    player.playsInline = true;
    player.muted = true; // else a browser may refuse to begin by itself
    player.preload = "auto";
    player.tabIndex = 0;
    player.addEventListener("loadedmetadata", () => { player.currentTime = recording.before; }, { once: true });
    player.addEventListener("error", () => slowFilm(recording,
      "This browser cannot play the file. If it is H.265, download it, or use Safari, or Chrome or Edge with the right hardware. If it was removed meanwhile, load the page again."));
    player.src = recording.address;
    element("stage").replaceChildren(player);
    player.play().catch(() => {}); // it can be started by hand
    player.focus();
  }

  pynvr.play = (recording) => {
    clearInterval(film);
    current = recording;
    const suffix = recording.file.slice(recording.file.lastIndexOf("."));
    if (UNPLAYABLE.includes(suffix)) {
      slowFilm(recording, `Browsers cannot play ${suffix} files: this is its strip of pictures. Download it for a video player.`);
    } else showVideo(recording);
    const told = element("told");
    told.textContent = `${recording.camera.name} · ${pynvr.clock(recording.trigger)} · ${pynvr.duration(recording.length)} · ${pynvr.size(recording.bytes)} · ${recording.file}`;
    told.title = pynvr.utc(recording.trigger);
    element("download").href = recording.address;
    element("download").download = recording.file.slice(recording.file.lastIndexOf("/") + 1);
    showKept(recording);
    element("previous").disabled = order.indexOf(recording) <= 0;
    element("next").disabled = order.indexOf(recording) === order.length - 1;
    if (!element("player").open) element("player").showModal();
  };

  // Only pynvr's own small server can keep a recording; it hands out a token with the page's address.
  const token = () => sessionStorage.getItem("token");

  function showKept(recording) {
    element("keep").hidden = !token();
    element("keep").textContent = recording.kept ? "kept for good" : "keep";
    element("keep").setAttribute("aria-pressed", String(recording.kept));
  }

  async function toggleKept() {
    const recording = current, wanted = !recording.kept;
    const request = { method: "POST", body: String(wanted), headers: { "X-Token": token() } };
    const answer = await fetch(`keep/${recording.address}`, request);
    if (answer.ok) recording.kept = wanted;
    showKept(recording);
  }

  pynvr.setOrder = (recordings, cameras) => { [order, rows] = [recordings, cameras]; };
  pynvr.step = (from, by) => order[order.indexOf(from) + by] || (order.includes(from) ? null : order.at(by > 0 ? 0 : -1));

  // The recording of the next camera, up or down, that is nearest in time.
  pynvr.across = (from, by) => {
    const filled = rows.filter(({ recordings }) => recordings.length);
    const at = filled.findIndex(({ camera }) => camera === from?.camera);
    const row = filled[at + by];
    if (!from || !row) return null;
    const distance = (one) => Math.abs(one.trigger - from.trigger);
    return row.recordings.reduce((best, one) => (distance(one) < distance(best) ? one : best));
  };

  pynvr.pause = () => {
    const player = video();
    if (player) player.paused ? player.play().catch(() => {}) : player.pause();
  };

  pynvr.listenPlayer = (moved) => {
    const go = (by) => () => { const next = pynvr.step(current, by); if (next) moved(next); };
    element("previous").addEventListener("click", go(-1));
    element("next").addEventListener("click", go(1));
    element("keep").addEventListener("click", toggleKept);
    element("close").addEventListener("click", () => element("player").close());
    element("player").addEventListener("close", () => {
      clearInterval(film);
      element("stage").replaceChildren();
      pynvr.focusCard(current);
    });
  };
})();
