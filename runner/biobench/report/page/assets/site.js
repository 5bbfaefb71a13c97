"use strict";

/* Filters and plots of a page of many results. */

(() => {
  const tables = JSON.parse(document.getElementById("site-data").textContent);
  const field = (name) => document.getElementById(`filter-${name}`);
  const SVG = "http://www.w3.org/2000/svg";
  let WIDTH = 760;
  /** Sections whose plot of ranks has all models. */
  const wholePlots = new Set();
  const LEFT = 60;
  const TOP = 28;
  /** Most models of a plot of ranks before the reader asks for all. */
  const MOST_RANKED = 25;

  function shape(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function drawing(height, label) {
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label });
    return { svg, add: (...args) => svg.appendChild(shape(...args)) };
  }

  /** [score, low, high, declared] of a row, or null. */
  const cellOf = (row, task) => (task === "mean" ? row.mean : row.scores[task]) ?? null;

  function chosen(row, table) {
    const name = field("name").value.trim().toLowerCase();
    const division = field("division").value;
    return (
      (name === "" || row.name.toLowerCase().includes(name) || row.resolved.toLowerCase().includes(name)) &&
      ["family", "size", "level"].every((key) => field(key).value === "" || field(key).value === row[key]) &&
      (division === "" || table.dataset.division === division)
    );
  }

  /* Plots */

  /** Three to seven round numbers from low to high. */
  function round(low, high) {
    const power = 10 ** Math.floor(Math.log10((high - low) / 3));
    const step = power * [5, 2, 1].find((times) => 3 * times * power <= high - low);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i += 1) found.push(i * step);
    return found;
  }

  /** A linear or logarithmic axis over values, as a function of a value to [0, 1], and its ticks. */
  function axis(values, logarithmic) {
    const to = logarithmic ? Math.log10 : (value) => value;
    let low = to(Math.min(...values));
    let high = to(Math.max(...values));
    const room = (high - low) * 0.05 || 0.5 * Math.abs(high || 1) || 0.5;
    [low, high] = [low - room, high + room];
    const ticks = [];
    if (logarithmic) {
      for (let power = Math.floor(low); power <= high; power += 1) {
        for (const digit of [1, 3]) {
          const value = digit * 10 ** power;
          if (to(value) >= low && to(value) <= high) ticks.push(value);
        }
      }
    }
    if (ticks.length < 2) {
      ticks.length = 0;
      if (logarithmic) for (let i = 0; i <= 4; i += 1) ticks.push(10 ** (low + (i * (high - low)) / 4));
      else ticks.push(...round(low, high));
    }
    const digits = Math.max(2, -Math.floor(Math.log10(Math.abs(ticks[1] - ticks[0])) + 1e-9));
    return { at: (value) => (to(value) - low) / (high - low), ticks, digits };
  }

  const LARGE = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

  function short(value) {
    const [unit, letter] = LARGE.find(([size]) => value >= size) ?? [1, ""];
    return `${Number((value / unit).toPrecision(3))}${letter}`;
  }

  function rankPlot(rows, task, higher, whole) {
    const ordered = rows
      .map((row) => [row, cellOf(row, task)])
      .sort(([, a], [, b]) => (higher ? b[0] - a[0] : a[0] - b[0]));
    const shown = whole ? ordered : ordered.slice(0, MOST_RANKED);
    // A narrow screen has names above their marks: cut to fit beside them, several would be one.
    const narrow = WIDTH <= 500;
    const beside = WIDTH > 900 ? [380, 52, 20, 0] : [250, 34, 20, 0];
    const [names, letters, step, below] = narrow ? [8, 50, 36, 16] : beside;
    const above = 14;
    const height = above + 26 + shown.length * step;
    const { svg, add } = drawing(height + 18, `Scores of ${task} with intervals; the table below has the numbers`);
    const scale = axis(shown.flatMap(([, cell]) => cell.slice(0, 3).filter((value) => value !== null)), false);
    const x = (value) => names + scale.at(value) * (WIDTH - names - 70);
    for (const tick of scale.ticks) {
      add("line", { class: "grid", x1: x(tick), x2: x(tick), y1: above + 4, y2: height });
      for (const y of [above - 2, height + 14]) {
        add("text", { class: "tick", x: x(tick), y, "text-anchor": "middle" }, tick.toFixed(scale.digits));
      }
    }
    shown.forEach(([row, [score, low, high]], i) => {
      const y = above + 18 + i * step + below;
      add("text", { class: "name", x: 0, y: y + 4 - below }, row.name.length > letters ? `\u2026${row.name.slice(1 - letters)}` : row.name);
      if (low !== null) add("line", { class: "bar", x1: x(low), x2: x(high), y1: y, y2: y });
      const dot = add("circle", { class: row.may_be_best.includes(task) ? "dot best" : "dot", cx: x(score), cy: y, r: 4.5 });
      dot.append(shape("title", {}, `${row.name}: ${score.toFixed(4)}`));
      add("text", { x: WIDTH - 62, y: y + 4 }, `${score.toFixed(4)}${row.may_be_best.includes(task) ? " =" : ""}`);
    });
    const models = `${ordered.length} ${ordered.length === 1 ? "model" : "models"}`;
    return [svg, shown.length < ordered.length ? `The best ${shown.length} of ${models}.` : `${models}, best first.`];
  }

  function frame(add, height, xs, ys, xName, yName) {
    const x = (value) => LEFT + xs.at(value) * (WIDTH - LEFT - 20);
    const y = (value) => height - 46 - ys.at(value) * (height - 46 - TOP);
    for (const tick of ys.ticks) {
      add("line", { class: "grid", x1: LEFT, x2: WIDTH - 20, y1: y(tick), y2: y(tick) });
      add("text", { class: "tick", x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(ys.digits));
    }
    for (const tick of xs.ticks) {
      add("line", { class: "grid", x1: x(tick), x2: x(tick), y1: TOP, y2: height - 46 });
      add("text", { class: "tick", x: x(tick), y: height - 30, "text-anchor": "middle" }, short(tick));
    }
    add("text", { x: (LEFT + WIDTH) / 2, y: height - 10, "text-anchor": "middle" }, xName);
    add("text", { x: 0, y: 12 }, yName);
    return [x, y];
  }

  /** Share of pairs of models that both orders rank alike, equal values left out; null for none. */
  function sameOrder(points) {
    let same = 0;
    let all = 0;
    points.forEach(([a, b], i) => {
      for (const [c, d] of points.slice(i + 1)) {
        if (a === c || b === d) continue;
        all += 1;
        same += a < c === b < d;
      }
    });
    return all === 0 ? null : same / all;
  }

  function scatter(rows, task, against, threshold) {
    const other = against.startsWith("task:") ? against.slice(5) : null;
    const valueOf = (row) => (other === null ? row[against] : (cellOf(row, other)?.[0] ?? null));
    const shown = rows.map((row) => [row, valueOf(row), cellOf(row, task)]).filter(([, value]) => value !== null && (other !== null || value > 0));
    if (shown.length === 0) return [null, "No result has both values."];
    const height = 420;
    const xName = other ?? { parameters: "parameters", images_per_s: "images a second", seconds: "seconds of the run" }[against];
    const { svg, add } = drawing(height, `${task} against ${xName}; the table below has the numbers`);
    const xs = axis(shown.map(([, value]) => value).concat(threshold > 0 && other !== null ? [threshold] : []), other === null);
    const ys = axis(shown.flatMap(([, , cell]) => cell.slice(0, 3).filter((value) => value !== null)), false);
    const [x, y] = frame(add, height, xs, ys, xName, task);
    const limited = other !== null && threshold > 0;
    if (limited) add("line", { class: "threshold", x1: x(threshold), x2: x(threshold), y1: TOP, y2: height - 46 });
    for (const [row, value, [score, low, high]] of shown) {
      const below = limited && value < threshold ? " low" : "";
      if (low !== null) add("line", { class: `bar${below}`, x1: x(value), x2: x(value), y1: y(low), y2: y(high) });
      const dot = add("circle", { class: `dot${below}`, cx: x(value), cy: y(score), r: 5 });
      dot.append(shape("title", {}, `${row.name}: ${score.toFixed(4)}, ${xName} ${short(value)}`));
    }
    const kept = shown.filter(([, value]) => !limited || value >= threshold);
    const share = sameOrder(kept.map(([, value, [score]]) => [value, score]));
    const models = `${kept.length} ${kept.length === 1 ? "model" : "models"}${limited ? ` with at least ${threshold} in ${xName}` : ""}`;
    return [svg, share === null ? `${models}.` : `${models}; ${(100 * share).toFixed(0)}% of their pairs have one order in both.`];
  }

  function curves(rows, task) {
    const models = new Map();
    for (const row of rows) {
      if (!models.has(row.resolved)) models.set(row.resolved, []);
      models.get(row.resolved).push(row);
    }
    const lines = [...models.values()].filter((points) => points.length > 1);
    if (lines.length === 0) return [null, "No model has results at several sizes of the train split (run --n-train 1,3,10,all)."];
    const sizes = lines.flat().map(({ n_train: size }) => size).filter((size) => size !== null);
    const whole = 3 * Math.max(...sizes, 1);
    const height = 420;
    const { svg, add } = drawing(height, `Learning curves of ${task}; the table below has the numbers`);
    const xs = axis([...sizes, whole], true);
    xs.ticks = [...new Set(sizes)].sort((a, b) => a - b);
    const ys = axis(lines.flat().flatMap((row) => cellOf(row, task).slice(0, 3).filter((value) => value !== null)), false);
    const [x, y] = frame(add, height, xs, ys, "training items a class; at the right all", task);
    const place = (row) => x(row.n_train ?? whole);
    for (const points of lines) {
      points.sort((a, b) => place(a) - place(b));
      add("polyline", { class: "line", points: points.map((row) => `${place(row)},${y(cellOf(row, task)[0])}`).join(" ") });
      for (const row of points) {
        const [score, low, high] = cellOf(row, task);
        if (low !== null) add("line", { class: "bar", x1: place(row), x2: place(row), y1: y(low), y2: y(high) });
        add("circle", { class: "dot", cx: place(row), cy: y(score), r: 4.5 }).append(shape("title", {}, `${row.name}: ${score.toFixed(4)}`));
      }
    }
    return [svg, `${lines.length} ${lines.length === 1 ? "model" : "models"}.`];
  }

  function draw(section) {
    const table = tables[Number(section.dataset.number)];
    const task = section.querySelector("select.task").value;
    const against = section.querySelector("select.against").value;
    const threshold = section.querySelector("input.threshold");
    threshold.closest("label").hidden = !against.startsWith("task:");
    WIDTH = section.clientWidth < 600 ? 400 : Math.min(section.clientWidth, 1100);
    const rows = table.rows.filter((row) => chosen(row, section) && cellOf(row, task) !== null);
    const more = section.querySelector("button.more");
    more.hidden = against !== "rank" || rows.length <= MOST_RANKED;
    more.textContent = wholePlots.has(section) ? `The best ${MOST_RANKED} alone` : `All ${rows.length} models`;
    let drawn = [null, "No result of this choice has the score."];
    if (rows.length > 0) {
      if (against === "rank") drawn = rankPlot(rows, task, table.higher[task] ?? true, wholePlots.has(section));
      else if (against === "curve") drawn = curves(rows, task);
      else drawn = scatter(rows, task, against, Number(threshold.value) || 0);
    }
    section.querySelector(".plot").replaceChildren(...drawn.filter((part) => part instanceof SVGElement));
    section.querySelector(".plot-text").textContent = drawn[1];
  }

  function filter() {
    let count = 0;
    for (const section of document.querySelectorAll("section.table")) {
      const { rows } = tables[Number(section.dataset.number)];
      let inside = 0;
      for (const row of section.querySelectorAll("tbody tr")) {
        const keep = chosen(rows[Number(row.dataset.row)], section);
        row.hidden = !keep;
        inside += keep;
      }
      section.hidden = inside === 0;
      count += inside;
      if (inside > 0) draw(section);
    }
    document.getElementById("filter-count").textContent = `${count} ${count === 1 ? "result" : "results"}`;
  }

  for (const name of ["name", "family", "size", "level", "division"]) field(name).addEventListener("input", filter);
  document.querySelector("form.controls").addEventListener("submit", (event) => event.preventDefault());
  for (const section of document.querySelectorAll("section.table")) {
    for (const control of section.querySelectorAll(".plots select, .plots input")) {
      control.addEventListener("input", () => draw(section));
    }
    section.querySelector("button.more").addEventListener("click", () => {
      if (!wholePlots.delete(section)) wholePlots.add(section);
      draw(section);
    });
  }
  for (const part of document.querySelectorAll(".script")) part.hidden = false;
  matchMedia("(max-width: 40rem)").addEventListener("change", filter);
  filter();
})();
