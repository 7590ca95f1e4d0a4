"use strict";
// What is shown is never HTML: text goes into text nodes alone.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

function make(tag, text, parent, name) {
  const found = document.createElement(tag);
  if (text) found.textContent = text;
  if (name) found.className = name;
  if (parent) parent.append(found);
  return found;
}

// ---- the sections' names, to go to

const sections = [...document.querySelectorAll("section")];
for (const each of sections.length > 1 ? sections : []) {
  const link = make("a", each.querySelector("h2").textContent, document.querySelector("nav"));
  link.href = "#" + each.id;
}

// ---- the graph

// How small a graph may be at first, how large it is otherwise, and the room above its first box.
const LEAST = 0.4, READABLE = 0.8, MARGIN = 30;

function showGraph(frame) {
  const svg = frame.querySelector("svg");
  const whole = svg.viewBox.baseVal;
  const all = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  let view = { ...all };
  const boxes = [...svg.querySelectorAll(".box")];
  const told = byId("told");

  function look(next) {
    view = next;
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  }

  function point(event) {
    const at = new DOMPoint(event.clientX, event.clientY);
    return at.matrixTransform(svg.getScreenCTM().inverse());
  }

  function zoom(factor, at) {
    const width = Math.min(Math.max(view.width * factor, all.width / 400), all.width * 4);
    const by = width / view.width;
    const middle = at || { x: view.x + view.width / 2, y: view.y + view.height / 2 };
    look({
      x: middle.x - (middle.x - view.x) * by,
      y: middle.y - (middle.y - view.y) * by,
      width,
      height: view.height * by,
    });
  }

  function move(right, down) {
    look({ ...view, x: view.x + right * view.width, y: view.y + down * view.height });
  }

  function goTo(box) {
    const place = box.getBBox();
    const width = Math.min(view.width, Math.max(place.width * 4, 300));
    const height = width * (view.height / view.width);
    look({ x: place.x + place.width / 2 - width / 2, y: place.y + place.height / 2 - height / 2, width, height });
  }

  const linesOf = (box) => [...box.querySelectorAll("text")].map((each) => each.textContent);

  function tell(box) {
    for (const each of boxes) each.classList.toggle("chosen", each === box);
    told.hidden = false;
    told.textContent = [...linesOf(box), box.dataset.place || "no line of a program's"].join("\n");
  }

  // What is too large to be read as a whole begins where it begins.
  const scale = Math.min(frame.clientWidth / all.width, frame.clientHeight / all.height);
  if (boxes.length && scale < LEAST) {
    const place = boxes[0].getBBox();
    const [width, height] = [frame.clientWidth, frame.clientHeight].map((each) => each / READABLE);
    look({ x: place.x + place.width / 2 - width / 2, y: place.y - MARGIN, width, height });
  }

  const pointers = new Map();
  let moved = 0;
  frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.0015), point(event));
  }, { passive: false });
  frame.addEventListener("pointerdown", (event) => {
    if (!pointers.size) moved = 0;
    pointers.set(event.pointerId, event);
  });
  window.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const others = [...pointers.values()].filter((each) => each.pointerId !== event.pointerId);
    moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
    if (others.length) {
      const apart = (each) => Math.hypot(each.clientX - others[0].clientX, each.clientY - others[0].clientY);
      zoom((apart(before) || 1) / (apart(event) || 1));
    } else {
      const [from, to] = [point(before), point(event)];
      look({ ...view, x: view.x + from.x - to.x, y: view.y + from.y - to.y });
    }
    pointers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }

  for (const box of boxes) {
    box.setAttribute("tabindex", "0");
    box.setAttribute("role", "button");
    box.addEventListener("click", () => { if (moved < 6) tell(box); });
    box.addEventListener("focus", () => { if (box.matches(":focus-visible")) goTo(box); });
  }

  const search = byId("search");
  let hits = [], current = -1;
  function find() {
    const words = search.value.trim().toLowerCase();
    hits = words ? boxes.filter((each) => linesOf(each).join(" ").toLowerCase().includes(words)) : [];
    current = -1;
    for (const each of boxes) {
      each.classList.toggle("hit", hits.includes(each));
      each.classList.toggle("away", Boolean(words) && !hits.includes(each));
    }
    byId("hits").textContent = words ? `${hits.length} found` : "";
  }
  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && hits.length) {
      current = (current + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
      goTo(hits[current]);
      tell(hits[current]);
      byId("hits").textContent = `${current + 1} of ${hits.length}`;
    }
    if (event.key === "Escape") {
      search.value = "";
      find();
      frame.focus();
    }
  });

  const keys = {
    "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), "0": () => look({ ...all }),
    ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
  };
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.target.classList.contains("box")) tell(event.target);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });
  byId("closer").addEventListener("click", () => zoom(0.8));
  byId("farther").addEventListener("click", () => zoom(1.25));
  byId("whole").addEventListener("click", () => look({ ...all }));
}

if (byId("graph")) showGraph(byId("graph"));

// ---- plots, in the page's colours

const plots = [];
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a"];
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function layout(across, up, log) {
  const style = getComputedStyle(document.documentElement);
  const [ink, line] = ["--ink", "--line"].map((name) => style.getPropertyValue(name).trim());
  const axis = { gridcolor: line, zerolinecolor: line, automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12 },
    margin: { l: 48, r: 12, t: 8, b: 40 }, legend: { orientation: "h", y: 1.15 }, hovermode: "x unified",
    hoverlabel: { bgcolor: style.getPropertyValue("--panel").trim(), font: { color: ink } },
    xaxis: { ...axis, title: { text: across } },
    yaxis: { ...axis, title: { text: up }, type: log ? "log" : "linear" },
  };
}

function plot(parent, traces, across, up, log) {
  const place = make("div", "", parent, "plot");
  Plotly.newPlot(place, traces, layout(across, up, log), { responsive: true, displaylogo: false, displayModeBar: false });
  plots.push(() => Plotly.relayout(place, layout(across, up, log)));
}
dark.addEventListener("change", () => plots.forEach((each) => each()));

// ---- programs

const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 1 });

function showProgram(program, parent) {
  const kernels = program.kernels;
  const whole = kernels.reduce((sum, each) => sum + each.microseconds, 0);
  const hosts = kernels.filter((each) => each.host).length;
  make("h3", program.part, parent);
  const bytes = Math.max(0, ...program.memory);
  make("p", `${kernels.length} kernels, ${hosts} of them steps of the host; ${number(whole)} µs when they run one by one; ` +
    `${number(bytes)} bytes of memory at most`, parent);
  for (const each of kernels) {
    const place = make("details", "", parent, each.host ? "kernel host" : "kernel");
    const line = make("summary", "", place);
    make("span", (each.host ? "host: " : "") + each.name, line);
    make("span", `${number(each.microseconds)} µs`, line, "number");
    make("span", `${number(each.bytes / (each.microseconds * 1e3 || 1))} GB/s`, line, "number");
    make("span", `${number(each.operations / (each.microseconds * 1e3 || 1))} GFLOP/s`, line, "number");
    const bar = make("span", "", line, "bar");
    bar.style.width = `${(100 * each.microseconds) / (whole || 1)}%`;
    make("pre", each.loops || each.name, place);
  }
  const trace = make("details", "", parent);
  make("summary", `${program.equations.length} equations`, trace);
  make("pre", program.equations.join("\n"), trace);
  if (window.Plotly && bytes) {
    make("p", "Memory while the kernels run, by kernel", parent, "hint");
    const x = program.memory.map((_, place) => place);
    const step = { x, y: program.memory, fill: "tozeroy", line: { shape: "hv", color: COLOURS[0] }, name: "bytes" };
    plot(parent, [step], "kernel", "bytes", false);
  }
}

if (byId("programs")) data.programs.forEach((each) => showProgram(each, byId("programs")));

// ---- runs

function showCurve(name, runs, parent) {
  make("h3", name, parent);
  if (!window.Plotly) {
    const table = make("table", "", make("div", "", parent, "wide"));
    for (const [run, curves] of runs) {
      const [step, value] = curves[name].at(-1);
      const row = make("tr", "", table);
      for (const text of [run, `step ${step}`, value === null ? "not finite" : String(value)]) make("td", text, row);
    }
    return;
  }
  const positive = runs.every(([, curves]) => curves[name].every(([, y]) => y === null || y > 0));
  const values = runs.flatMap(([, curves]) => curves[name].map(([, y]) => y)).filter((y) => y !== null);
  const wide = positive && values.length && values.reduce((a, b) => Math.max(a, b)) > 100 * values.reduce((a, b) => Math.min(a, b));
  const traces = runs.map(([run, curves]) => ({
    x: curves[name].map(([x]) => x), y: curves[name].map(([, y]) => y), name: run, mode: "lines",
    line: { color: COLOURS[runOrder.indexOf(run) % COLOURS.length], dash: runOrder.indexOf(run) < COLOURS.length ? "solid" : "dash" },
    showlegend: true,
  }));
  plot(parent, traces, name.endsWith(" by epoch") ? "epoch" : "step", "", wide);
}

const runOrder = Object.keys(data.runs);
if (byId("runs")) {
  const names = [...new Set(Object.values(data.runs).flatMap((curves) => Object.keys(curves)))];
  for (const name of names) {
    const place = make("div", "", byId("runs"));
    showCurve(name, Object.entries(data.runs).filter(([, curves]) => curves[name]), place);
  }
}
