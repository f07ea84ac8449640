// What the recorders have written beside this page: cameras, days, recordings. The files call these functions.
"use strict";

const pynvr = { cameras: [] };

(() => {
  const KEPT = 1, RECOVERED = 2, UNDECODABLE = 4, CONTINUES = 8, PICTURE = 16;
  const waiting = new Map();

  // A path inside of the archive as an address; null for one that leads out of it.
  pynvr.address = (...parts) => {
    const names = parts.join("/").split("/").filter((name) => name && name !== ".");
    if (names.includes("..") || parts.some((part) => part.startsWith("/"))) return null;
    return names.map(encodeURIComponent).join("/");
  };

  // cameras.js has a line for each recorder; one that was started twice has two.
  pynvr.camera = ({ name, path }) => {
    if (typeof name !== "string" || typeof path !== "string" || pynvr.address(path) === null) return;
    const known = pynvr.cameras.find((camera) => camera.path === path);
    if (known) known.name = name;
    else pynvr.cameras.push({ name, path, days: {}, loaded: new Map(), now: null, there: true });
  };

  // By name, whoever started first; those with the same name are told apart by their folders.
  pynvr.orderCameras = () => {
    const names = pynvr.cameras.map((camera) => camera.name);
    for (const camera of pynvr.cameras) {
      if (names.filter((name) => name === camera.name).length > 1) camera.name += ` (${camera.path})`;
    }
    pynvr.cameras.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  };

  function sender() {
    return pynvr.cameras[Number(document.currentScript.dataset.camera)];
  }

  pynvr.days = (days) => { sender().days = days; };
  pynvr.now = (now) => { sender().now = now; };
  pynvr.day = (day) => { sender().loaded.set(day.day, recordings(sender(), day)); };

  function recordings(camera, { day, folder, suffix, rows, gaps }) {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    return {
      gaps: (gaps || []).map(([from, to, kind]) =>
        ({ from: midnight + from * 1000, to: midnight + to * 1000, kind: String(kind) })),
      recordings: rows.map(([name, trigger, before, length, bytes, motion, flags, tiles]) => {
        const time = new Date(midnight + Math.floor(trigger) * 1000).toISOString().slice(11, 19).replaceAll(":", "");
        const file = name === "" ? `${folder}video_${day}T${time}${suffix}` : name;
        const stem = file.slice(0, file.lastIndexOf("."));
        const beside = (ending) => (flags & PICTURE ? pynvr.address(camera.path, stem + ending) : null);
        return {
          camera, file, before, length, bytes, motion, tiles, trigger: midnight + trigger * 1000,
          from: midnight + (trigger - before) * 1000, to: midnight + (trigger - before + length) * 1000,
          address: pynvr.address(camera.path, file), picture: beside(".jpg"), strip: tiles ? beside(".strip.jpg") : null,
          kept: Boolean(flags & KEPT), recovered: Boolean(flags & RECOVERED),
          undecodable: Boolean(flags & UNDECODABLE), continues: Boolean(flags & CONTINUES),
        };
      }).filter((recording) => recording.address !== null),
    };
  }

  // Scripts, because a page opened from the disk may not read files in any other way.
  function load(camera, file, fresh) {
    const key = `${camera.path}/${file}`;
    if (waiting.has(key)) return waiting.get(key);
    const script = document.createElement("script");
    script.dataset.camera = pynvr.cameras.indexOf(camera);
    script.src = pynvr.address(camera.path, file) + (fresh ? `?${Date.now()}` : "");
    const done = new Promise((resolve) => {
      script.onload = script.onerror = ({ type }) => { script.remove(); waiting.delete(key); resolve(type === "load"); };
    });
    waiting.set(key, done);
    document.head.append(script);
    return done;
  }

  // Of a camera whose archive is away (moved, not mounted), what was loaded before stays.
  pynvr.shows = (camera) => camera.there || Object.keys(camera.days).length > 0;
  pynvr.loadDays = (fresh) =>
    Promise.all(pynvr.cameras.flatMap((camera) => [
      load(camera, "page/days.js", fresh).then((found) => { camera.there = found; }),
      load(camera, "page/now.js", true)]));

  // The recordings of all cameras between two moments, each in the order of time.
  pynvr.loadSpan = async (from, to, fresh) => {
    const days = pynvr.utcDays(from, to);
    await Promise.all(pynvr.cameras.flatMap((camera) => days
      .filter((day) => camera.days[day] && (fresh || !camera.loaded.has(day)))
      .map((day) => load(camera, `days/${day}.js`, fresh))));
    return pynvr.cameras.filter(pynvr.shows).map((camera) => {
      const loaded = days.map((day) => camera.loaded.get(day)).filter(Boolean);
      const inside = (span) => span.to > from && span.from < to;
      return {
        camera,
        recordings: loaded.flatMap((day) => day.recordings)
          .filter((one) => one.trigger >= from && one.trigger < to).sort((a, b) => a.trigger - b.trigger),
        gaps: loaded.flatMap((day) => day.gaps).filter(inside),
      };
    });
  };
})();
