// Days as people have them: local, 23 or 25 hours long where the clocks change. Files are named by days of UTC.
"use strict";

(() => {
  const two = (number) => String(number).padStart(2, "0");

  pynvr.localDay = (moment) => {
    const date = new Date(moment);
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  };

  // First moment of a local day and of the one after it, in ms.
  pynvr.span = (day) => {
    const [year, month, date] = day.split("-").map(Number);
    return [new Date(year, month - 1, date).getTime(), new Date(year, month - 1, date + 1).getTime()];
  };

  pynvr.shifted = (day, days) => {
    const [year, month, date] = day.split("-").map(Number);
    return pynvr.localDay(new Date(year, month - 1, date + days));
  };

  pynvr.utcDays = (from, to) => {
    const days = [];
    // what was triggered just before midnight lies in the file of the day before
    for (let moment = from; ; moment += 86400e3) {
      const day = new Date(Math.min(moment, to - 1)).toISOString().slice(0, 10);
      if (days.at(-1) !== day) days.push(day);
      if (moment >= to - 1) return days;
    }
  };

  pynvr.clock = (moment, seconds = true) =>
    new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
  pynvr.utc = (moment) => new Date(moment).toISOString().replace("T", " ").slice(0, 19) + " UTC";
  pynvr.longDate = (day) =>
    new Date(pynvr.span(day)[0]).toLocaleDateString([], { weekday: "short", year: "numeric", month: "short", day: "numeric" });
  pynvr.duration = (seconds) => {
    const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
    if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
    return minutes ? `${minutes} min ${two(whole % 60)} s` : `${whole} s`;
  };
  pynvr.size = (bytes) =>
    bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
})();
