// The time line: a row for each camera, a bar for each recording, as long as it is and as high as its motion.
"use strict";

(() => {
  const ROW_PX = 44, SMALLEST_BAR_PX = 2, CLOSEST_MS = 60e3;
  const GAPS = { lost: "camera lost", disarmed: "disarmed", off: "not running" };
  let whole = [0, 1], view = [0, 1], rows = [], strongest = 1, play = () => {}, moved = () => {};
  const pointers = new Map();
  const place = () => document.getElementById("timeline");

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  // The strongest motion of the day is a full bar; the square root lets weak ones be seen.
  pynvr.scaleMotion = (cameras) => {
    strongest = Math.max(1, ...cameras.map(({ recordings }) => recordings.reduce((most, one) => Math.max(most, one.motion), 0)));
  };
  pynvr.share = (recording) => Math.sqrt(Math.min(1, recording.motion / strongest));

  const x = (moment, width) => (moment - view[0]) / (view[1] - view[0]) * width;

  function hatch(context, colour) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const shift of [-8, 0, 8]) { pen.moveTo(shift, 8); pen.lineTo(shift + 8, 0); }
    pen.stroke();
    return context.createPattern(tile, "repeat");
  }

  function drawRow({ canvas, camera, recordings, gaps }) {
    const width = canvas.clientWidth, scale = window.devicePixelRatio || 1, colour = colours();
    if (!width) return;
    canvas.width = width * scale;
    canvas.height = ROW_PX * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.fillStyle = colour("quiet");
    context.fillRect(0, 0, width, ROW_PX);
    for (const gap of gaps) {
      context.fillStyle = hatch(context, colour(gap.kind === "disarmed" ? "faint" : "gap"));
      context.fillRect(x(gap.from, width), 0, Math.max(1, x(gap.to, width) - x(gap.from, width)), ROW_PX);
    }
    for (const recording of recordings) {
      const left = x(recording.from, width), right = x(recording.to, width);
      if (right < 0 || left > width) continue;
      const height = Math.max(6, pynvr.share(recording) * (ROW_PX - 4));
      context.fillStyle = colour(recording.recovered || recording.undecodable ? "damaged" : recording.kept ? "kept" : "bar");
      context.fillRect(left, ROW_PX - height, Math.max(SMALLEST_BAR_PX, right - left), height);
    }
    const now = Date.now();
    if (camera.now?.recording && now >= view[0] && now < view[1]) {
      const left = x(Date.parse(camera.now.since), width);
      context.fillStyle = colour("live");
      context.fillRect(left, 0, Math.max(3, x(now, width) - left), ROW_PX);
    }
  }

  function drawScale(canvas) {
    const width = canvas.clientWidth, scale = window.devicePixelRatio || 1, hours = (view[1] - view[0]) / 3600e3;
    if (!width) return;
    canvas.width = width * scale;
    canvas.height = 20 * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.fillStyle = colours()("text");
    context.font = "12px system-ui, sans-serif";
    // "22:00", or half as long again where people write "10:00 PM"
    const room = context.measureText(pynvr.clock(whole[0], false)).width + 10;
    const step = [1 / 60, 5 / 60, 10 / 60, 0.5, 1, 2, 3, 6].find((step) => hours / step * room <= width) || 12;
    // from midnight on, so that a day in which the clocks change shows its true hours
    const first = whole[0] + Math.ceil((view[0] - whole[0]) / (step * 3600e3)) * step * 3600e3;
    for (let moment = first; moment < view[1]; moment += step * 3600e3) {
      const left = x(moment, width);
      context.fillRect(left, 14, 1, 6);
      context.fillText(pynvr.clock(moment, false), Math.min(left + 2, width - room + 8), 11);
    }
  }

  function draw() {
    rows.forEach(drawRow);
    const scale = place().querySelector("canvas.scale");
    if (scale) drawScale(scale);
  }

  pynvr.zoom = (factor, centre = (view[0] + view[1]) / 2) => {
    const length = Math.min(whole[1] - whole[0], Math.max(CLOSEST_MS, (view[1] - view[0]) * factor));
    const share = (centre - view[0]) / (view[1] - view[0]);
    show(centre - share * length, length);
  };
  pynvr.wholeDay = () => show(whole[0], whole[1] - whole[0]);

  function show(start, length) {
    const from = Math.max(whole[0], Math.min(start, whole[1] - length));
    view = [from, from + length];
    draw();
    moved();
  }

  const momentAt = (canvas, clientX) => {
    const box = canvas.getBoundingClientRect();
    return view[0] + (clientX - box.left) / box.width * (view[1] - view[0]);
  };

  function nearest(row, moment, canvas) {
    const reach = 8 / canvas.clientWidth * (view[1] - view[0]);
    const distance = (one) => Math.max(one.from - moment, moment - one.to, 0);
    const best = row.recordings.reduce((best, one) => (!best || distance(one) < distance(best) ? one : best), null);
    return best && distance(best) <= reach ? best : null;
  }

  function listen(canvas, row) {
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      pynvr.zoom(event.deltaY > 0 ? 1.25 : 0.8, momentAt(canvas, event.clientX));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, start: event.clientX });
    });
    canvas.addEventListener("pointermove", (event) => {
      const pointer = pointers.get(event.pointerId);
      const one = row && nearest(row, momentAt(canvas, event.clientX), canvas);
      canvas.title = one ? `${pynvr.clock(one.trigger)}, ${pynvr.duration(one.length)} (${pynvr.utc(one.trigger)})` : "";
      if (!pointer) return;
      const others = [...pointers.values()].filter((each) => each !== pointer);
      if (others.length) {
        const before = Math.abs(pointer.x - others[0].x), after = Math.abs(event.clientX - others[0].x);
        if (before > 10 && after > 10) pynvr.zoom(before / after, momentAt(canvas, (event.clientX + others[0].x) / 2));
      } else if (Math.abs(event.clientX - pointer.start) > 4) {
        show(view[0] - (event.clientX - pointer.x) / canvas.clientWidth * (view[1] - view[0]), view[1] - view[0]);
      }
      pointer.x = event.clientX;
    });
    const release = (event) => {
      const pointer = pointers.get(event.pointerId);
      pointers.delete(event.pointerId);
      if (event.type !== "pointerup" || !pointer || !row || Math.abs(event.clientX - pointer.start) > 4) return;
      const one = nearest(row, momentAt(canvas, event.clientX), canvas);
      if (one) play(one);
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
  }

  function told({ camera, recordings, gaps }) {
    const kinds = [...new Set(gaps.map((gap) => GAPS[gap.kind] || gap.kind))];
    const state = camera.now?.recording ? ", recording now" : "";
    return `${camera.name}: ${recordings.length} recordings${kinds.length ? `; ${kinds.join(", ")} for a time` : ""}${state}`;
  }

  pynvr.drawTimeline = (span, cameras, onPlay, onMove) => {
    if (span[0] !== whole[0] || span[1] !== whole[1]) view = span;
    [whole, play, moved] = [span, onPlay, onMove];
    rows = cameras.map((row) => {
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", told(row));
      return { ...row, canvas };
    });
    const scale = document.createElement("canvas");
    scale.className = "scale";
    scale.setAttribute("aria-hidden", "true");
    place().replaceChildren(...rows.flatMap(({ camera, canvas }) => {
      const name = document.createElement("span");
      name.textContent = camera.name;
      name.className = camera.now?.recording ? "name live" : "name";
      return [name, canvas];
    }), document.createElement("span"), scale);
    rows.forEach((row) => listen(row.canvas, row));
    listen(scale, null);
    draw();
  };

  pynvr.inView = (recording) => recording.to >= view[0] && recording.from <= view[1];
  new ResizeObserver(draw).observe(document.documentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
