"use strict";

// The month of a company: what was used, what may come, and the package. The same numbers stand below as a table.

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function drawMonth(place) {
  const month = JSON.parse(place.dataset.month);
  const at = (date) => Date.parse(`${date}T12:00:00Z`) / 1000;
  const last = month.past[month.past.length - 1];
  const days = [...month.past.map(([date]) => date), ...month.ahead.map(([date]) => date).filter((date) => date > last[0])];
  const used = new Map(month.past);
  const ahead = new Map(month.ahead.map(([date, ...range]) => [date, range]));
  const of = (date, index) => (ahead.has(date) ? ahead.get(date)[index] : date === last[0] ? last[1] : null);
  const data = [
    days.map(at),
    days.map((date) => used.get(date) ?? null),
    days.map((date) => of(date, 0)),
    days.map((date) => of(date, 1)),
    days.map((date) => of(date, 2)),
    days.map(() => month.granted),
  ];
  const language = document.documentElement.lang;
  const number = new Intl.NumberFormat(language);
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const axis = { stroke: colour("dim"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  const options = {
    width: place.clientWidth,
    height: 260,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    scales: { y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.08] } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((tick) => day.format(new Date(tick * 1000))), space: 64 },
      { ...axis, values: (_, ticks) => ticks.map((tick) => number.format(tick)), size: 64 },
    ],
    legend: { show: false },
    series: [
      {},
      { stroke: colour("left"), width: 3, points: { show: false } },
      { stroke: colour("band"), points: { show: false } },
      { stroke: colour("left"), dash: [6, 5], width: 2, points: { show: false } },
      { stroke: colour("band"), points: { show: false } },
      { stroke: colour("bad"), dash: [2, 4], width: 2, points: { show: false } },
    ],
    bands: [{ series: [4, 2], fill: colour("band") }],
    cursor: { drag: { x: false, y: false } },
  };
  const chart = new uPlot(options, data, place);
  const fit = new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 260 }));
  fit.observe(place);
  return () => {
    fit.disconnect();
    chart.destroy();
  };
}

function draw(place) {
  let wipe = drawMonth(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    wipe();
    wipe = drawMonth(place);
  });
}

// What is left, kept up to date: a stream tells that it may have moved, and the part is asked for anew. A tab that is not
// looked at holds no connection.
function follow(place) {
  let source = null;
  const begin = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (source === null) {
      source = new EventSource(place.dataset.live);
      source.addEventListener("changed", () => htmx.trigger(place, "moved"));
    }
  };
  begin();
  document.addEventListener("visibilitychange", begin);
  addEventListener("pagehide", () => source?.close());
}

// A table that is wider than its place, as on a phone, shows each of its rows as a list: each cell beside its column's
// name. Without scripts it scrolls.
function fit(place) {
  const table = place.querySelector("table");
  const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent);
  for (const row of table.tBodies[0]?.rows ?? []) {
    [...row.cells].forEach((cell, index) => (cell.dataset.column = names[index] ?? ""));
  }
  table.classList.remove("listed");
  table.classList.toggle("listed", place.scrollWidth > place.clientWidth + 1);
}

function fitAll() {
  document.querySelectorAll(".scroll").forEach(fit);
}

fitAll();
addEventListener("resize", fitAll);
document.addEventListener("htmx:afterSettle", fitAll);
document.querySelectorAll("details").forEach((one) => one.addEventListener("toggle", fitAll));
document.querySelectorAll("[data-month]").forEach(draw);
document.querySelectorAll("[data-live]").forEach(follow);
