// The calendar: a month, with the days marked that have recordings.
"use strict";

(() => {
  const place = () => document.getElementById("calendar");

  // days.js tells of each UTC day in which of its hours something was recorded, as bits.
  function hoursRecorded(camera, from, to) {
    let hours = 0;
    for (let moment = from; moment < to; moment += 3600e3) {
      const date = new Date(moment);
      const day = camera.days[date.toISOString().slice(0, 10)];
      if (day && day[1] >>> date.getUTCHours() & 1) hours += 1;
    }
    return hours;
  }

  pynvr.recordedHours = (day) => {
    const [from, to] = pynvr.span(day);
    return pynvr.cameras.reduce((most, camera) => Math.max(most, hoursRecorded(camera, from, to)), 0);
  };

  // The newest local day with a recording; today where there is none.
  pynvr.newestDay = () => {
    const newest = pynvr.cameras.flatMap((camera) => Object.keys(camera.days)).sort().at(-1);
    if (!newest) return pynvr.localDay(Date.now());
    const end = Date.parse(`${newest}T23:59:59Z`);
    const days = [pynvr.localDay(end), pynvr.shifted(pynvr.localDay(end), -1)];
    return days.find((day) => pynvr.recordedHours(day)) || days[0];
  };

  function button(text, label, action) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.setAttribute("aria-label", label);
    element.addEventListener("click", action);
    return element;
  }

  pynvr.drawCalendar = (chosen, choose, month = chosen.slice(0, 7)) => {
    const [year, number] = month.split("-").map(Number);
    const other = (step) => pynvr.localDay(new Date(year, number - 1 + step, 1)).slice(0, 7);
    const head = document.createElement("p");
    const name = document.createElement("strong");
    name.textContent = new Date(year, number - 1, 1).toLocaleDateString([], { month: "long", year: "numeric" });
    const go = (step) => () => pynvr.drawCalendar(chosen, choose, other(step));
    head.append(button("‹", "The month before", go(-1)), name, button("›", "The month after", go(1)));
    const grid = document.createElement("div");
    grid.className = "month";
    for (let weekday = 1; weekday <= 7; weekday += 1) {
      const day = document.createElement("span");
      day.textContent = new Date(2024, 0, weekday).toLocaleDateString([], { weekday: "short" });
      grid.append(day);
    }
    const blanks = (new Date(year, number - 1, 1).getDay() + 6) % 7;
    for (let blank = 0; blank < blanks; blank += 1) grid.append(document.createElement("span"));
    for (let date = 1; date <= new Date(year, number, 0).getDate(); date += 1) {
      const day = pynvr.localDay(new Date(year, number - 1, date));
      const hours = pynvr.recordedHours(day);
      const label = `${pynvr.longDate(day)}, ${hours ? `recordings in ${hours} h` : "no recordings"}`;
      const element = button(String(date), label, () => choose(day));
      element.dataset.day = day;
      element.className = hours > 8 ? "much" : hours ? "some" : "";
      if (day === chosen) element.setAttribute("aria-current", "date");
      grid.append(element);
    }
    place().replaceChildren(head, grid);
  };
})();
