// The page: which day is shown, what is left out, and what the keys do.
"use strict";

(() => {
  const REFRESH_MS = 15e3, ASLEEP_MS = 90e3;
  const element = (id) => document.getElementById(id);
  let day = "", chosen = null, shown = [];

  const filters = () => Object.fromEntries(new FormData(element("filters")));

  function passes(recording, { from, to, length, motion, only }) {
    const hour = new Date(recording.trigger).getHours();
    return (!from || hour >= Number(from)) && (!to || hour < Number(to))
      && recording.length >= Number(length) && pynvr.share(recording) >= Number(motion)
      && (only !== "kept" || recording.kept) && (only !== "damaged" || recording.recovered || recording.undecodable);
  }

  const isAsleep = ({ there, now }) => there && now && now.state !== "stopped"
    && Date.now() - Date.parse(now.alive) > ASLEEP_MS;

  function summary(recordings) {
    const seconds = recordings.reduce((sum, one) => sum + one.length, 0);
    const parts = [`${recordings.length} recordings, ${pynvr.duration(seconds)}`];
    const tell = (what, which) => {
      const names = pynvr.cameras.filter(which).map((camera) => camera.name);
      if (names.length) parts.push(`${what}: ${names.join(", ")}`);
    };
    tell("recording now", ({ there, now }) => there && now?.recording);
    tell("stopped", ({ there, now }) => there && now?.state === "stopped");
    tell("no sign of life", isAsleep);
    tell("folder cannot be read", ({ there }) => !there);
    element("summary").textContent = parts.join(" · ");
  }

  function draw() {
    const wanted = filters();
    const cameras = shown.filter(({ camera }) => !wanted.camera || camera.path === wanted.camera);
    pynvr.scaleMotion(cameras);
    const kept = cameras.map((row) => ({ ...row, recordings: row.recordings.filter((one) => passes(one, wanted)) }));
    pynvr.drawTimeline(pynvr.span(day), kept, play, drawCards);
    drawCards();

    function drawCards() {
      const recordings = kept.flatMap((row) => row.recordings).filter(pynvr.inView).sort((a, b) => a.trigger - b.trigger);
      pynvr.setOrder(recordings, kept);
      pynvr.drawCards(recordings, play);
      summary(recordings);
    }
  }

  function play(recording) {
    chosen = recording;
    pynvr.play(recording);
  }

  function move(recording) {
    if (!recording) return;
    chosen = recording;
    if (pynvr.playing()) pynvr.play(recording);
    else pynvr.focusCard(recording);
  }

  async function show(wanted, fresh = false) {
    day = wanted;
    if (!fresh) chosen = null;
    history.replaceState(null, "", `#${day}`);
    element("day").textContent = pynvr.longDate(day);
    shown = await pynvr.loadSpan(...pynvr.span(day), fresh);
    if (day !== wanted) return;
    pynvr.drawCalendar(day, choose);
    draw();
  }

  function choose(wanted) {
    openCalendar(false);
    show(wanted);
  }

  function openCalendar(open = element("calendar").hidden) {
    element("calendar").hidden = !open;
    element("day").setAttribute("aria-expanded", String(open));
  }

  const counts = () => pynvr.cameras.map((camera) => JSON.stringify(
    [camera.days, camera.there, camera.now?.state, camera.now?.recording, isAsleep(camera)]));

  async function refresh() {
    if (document.hidden || pynvr.playing()) return;
    const before = counts().join();
    await pynvr.loadDays(true);
    if (counts().join() !== before) await show(day, true);
  }

  function fillFilters() {
    const { camera, from, to } = element("filters").elements;
    const option = (value, text) => new Option(text, value);
    camera.append(...pynvr.cameras.filter(pynvr.shows).map((each) => option(each.path, each.name)));
    for (const select of [from, to]) {
      select.append(option("", "midnight"));
      for (let hour = 1; hour < 24; hour += 1) select.append(option(hour, pynvr.clock(new Date(2024, 0, 1, hour), false)));
    }
  }

  const KEYS = {
    ArrowLeft: () => move(pynvr.step(chosen, -1)),
    ArrowRight: () => move(pynvr.step(chosen, 1)),
    ArrowUp: () => move(pynvr.across(chosen, -1)),
    ArrowDown: () => move(pynvr.across(chosen, 1)),
    " ": () => (pynvr.playing() ? pynvr.pause() : chosen && play(chosen)),
    d: () => { if (pynvr.playing()) element("download").click(); },
    "?": () => element("keys").showModal(),
    "+": () => pynvr.zoom(0.5),
    "-": () => pynvr.zoom(2),
    0: () => pynvr.wholeDay(),
    "[": () => show(pynvr.shifted(day, -1)),
    "]": () => show(pynvr.shifted(day, 1)),
  };

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select, input")) return;
    if (element("keys").open || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    KEYS[event.key]();
  }

  async function start() {
    pynvr.orderCameras();
    await pynvr.loadDays(false);
    fillFilters();
    element("earlier").addEventListener("click", () => show(pynvr.shifted(day, -1)));
    element("later").addEventListener("click", () => show(pynvr.shifted(day, 1)));
    element("newest").addEventListener("click", () => show(pynvr.newestDay()));
    element("day").addEventListener("click", () => openCalendar());
    element("help").addEventListener("click", () => element("keys").showModal());
    element("filters").addEventListener("change", draw);
    element("filters").addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("focusin", (event) => {
      const card = event.target.closest?.("button.card");
      if (card) chosen = pynvr.recordingOf(card) || chosen;
    });
    pynvr.listenPlayer(move);
    const wanted = location.hash.slice(1);
    if (wanted.startsWith("token=")) sessionStorage.setItem("token", wanted.slice("token=".length));
    await show(/^\d{4}-\d\d-\d\d$/.test(wanted) ? wanted : pynvr.newestDay());
    setInterval(refresh, REFRESH_MS);
  }

  // cameras.js comes last: whatever is in it has been told by then
  window.addEventListener("DOMContentLoaded", start);
})();
