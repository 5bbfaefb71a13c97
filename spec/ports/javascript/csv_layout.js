/** The layout csv (section 7.1): tables of text, templates, traits, subjects and groups. */

import { bytesOf, joinPath } from "./files.js";
import { Invalid } from "./invalid.js";

function fault(detail) {
  return new Invalid("value", detail);
}

function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes); // drops a byte order mark
  } catch {
    throw fault("a table that is not UTF-8");
  }
}

/** The records of a table: lists of cells. */
export function records(text, delimiter) {
  const found = [];
  let cells = [];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (;;) {
        const end = text.indexOf('"', at + 1);
        if (end < 0) throw fault("a quote that is not closed");
        cell += text.slice(at + 1, end);
        at = end + 1;
        if (text[at] !== '"') break;
        cell += '"';
      }
    }
    const start = at;
    while (at < text.length && text[at] !== delimiter && text[at] !== "\n") at += 1;
    let rest = text.slice(start, at);
    const ends = at >= text.length || text[at] === "\n";
    if (ends && rest.endsWith("\r")) rest = rest.slice(0, -1);
    cells.push(cell + rest);
    at += 1;
    if (!ends && at === text.length) cells.push("");
    if (ends || at >= text.length) {
      if (cells.length > 1 || cells[0] !== "" || start > 0 && text[start - 1] === '"') found.push(cells);
      cells = [];
    }
  }
  return found;
}

/** {columns, rows}: rows as {column: cell}. */
function readTable(bytes, { delimiter = ",", columns }, needed) {
  const all = records(textOf(bytes), delimiter);
  if (all.length === 0 && columns === undefined) throw fault("a table without a header");
  const names = columns ?? all.shift();
  for (const name of needed) {
    if (names.filter((other) => other === name).length !== 1) throw fault(`column ${name}`);
  }
  return all.map((cells) => {
    if (cells.length !== names.length) throw fault("a row of another number of cells");
    return new Map(names.map((name, i) => [name, cells[i]]));
  });
}

/** Text with `{column}`, `{column:name}` and `{column:stem}`, as a list of text and references. */
function parseTemplate(template) {
  return template.split(/(\{[^{}]*\})/).map((piece) => {
    if (!piece.startsWith("{")) return { text: piece };
    const [, column, part] = /^\{(.*?)(?::(name|stem))?\}$/s.exec(piece);
    return { column, part };
  });
}

function referenced(template) {
  return parseTemplate(template).flatMap(({ column }) => (column === undefined ? [] : [column]));
}

function fill(template, row, change = (cell) => cell) {
  return parseTemplate(template)
    .map(({ text, column, part }) => {
      if (column === undefined) return text;
      const cell = row.get(column);
      if (cell === "") throw fault(`an empty cell of ${column}`);
      return change(partOf(cell, part));
    })
    .join("");
}

function partOf(cell, part) {
  if (part === undefined) return cell;
  const name = cell.slice(cell.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return part === "stem" && dot > 0 ? name.slice(0, dot) : name;
}

function lowerAscii(text) {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The columns of a table that the options name. */
export function referencedColumns(options) {
  const { path, id, subject, group, label, position, split, traits = [], frames } = options;
  const templates = [...(typeof path === "string" ? [path] : Object.values(path)), id, subject, group];
  const columns = [
    ...templates.filter((template) => template !== undefined).flatMap(referenced),
    ...[label, position, split?.column].filter((column) => column !== undefined),
    ...traits.map(({ column }) => column),
  ];
  return new Set(columns.filter((column) => column !== frames?.column));
}

/** [{split, row}], tables in the order given. */
function splitRows(options, files) {
  const needed = referencedColumns(options);
  const rowsOf = (paths) =>
    [paths].flat().flatMap((path) => readTable(bytesOf(files, path), options, needed));
  if (options.tables !== undefined) {
    return Object.entries(options.tables).flatMap(([split, paths]) =>
      rowsOf(paths).map((row) => ({ split, row })),
    );
  }
  const { column, ...lists } = options.split;
  const splitOf = new Map();
  for (const [split, cells] of Object.entries(lists)) {
    for (const cell of cells) {
      if (splitOf.has(cell) && splitOf.get(cell) !== split) throw fault("a cell of two splits");
      splitOf.set(cell, split);
    }
  }
  return rowsOf(options.table)
    .map((row) => ({ split: splitOf.get(row.get(column)), row }))
    .filter(({ split }) => split !== undefined);
}

/** The list of 0 and 1, or null for a row that is left out. */
function traitsOf(row, { traits, drop_incomplete: drop }) {
  const cells = traits.map(({ column }) => row.get(column));
  if (drop && cells.includes("")) return null;
  return traits.map(({ one, zero }, t) => {
    if (one.some((cell) => zero.includes(cell))) throw fault("a cell that is 0 and 1");
    if (one.includes(cells[t])) return 1;
    if (zero.includes(cells[t])) return 0;
    throw fault(`a trait cell ${cells[t]}`);
  });
}

function foundPath(options, split, row, files) {
  const template = typeof options.path === "string" ? options.path : options.path[split];
  const path = joinPath(fill(template, row));
  if (Object.hasOwn(files, path)) return path;
  if (options.path_case === "exact-then-lower") {
    const lower = joinPath(fill(template, row, lowerAscii));
    if (Object.hasOwn(files, lower)) return lower;
  }
  throw fault(`no file ${path}`);
}

/** The row once for each of its images, with the image's number as a cell. */
function frameRows(row, frames) {
  if (frames === undefined) return [{ row }];
  return Array.from({ length: frames.count }, (_, i) => ({
    row: new Map([...row, [frames.column, String(i + 1).padStart(frames.digits, "0")]]),
    position: i + 1,
  }));
}

function positionOf(cell) {
  if (!/^[0-9]+$/.test(cell)) throw fault("a position that is no number");
  return Number(cell);
}

export function csv(options, files) {
  const items = [];
  for (const { split, row: tableRow } of splitRows(options, files)) {
    const traits = options.traits === undefined ? undefined : traitsOf(tableRow, options);
    if (traits === null) continue;
    for (const { row, position } of frameRows(tableRow, options.frames)) {
      const path = foundPath(options, split, row, files);
      const item = { id: options.id === undefined ? path : fill(options.id, row), path, split };
      if (traits !== undefined) item.traits = traits;
      else item.name = row.get(options.label);
      if (item.name === "") throw fault("an empty label");
      if (options.group !== undefined) item.group = fill(options.group, row);
      if (options.subject !== undefined) {
        item.subject = fill(options.subject, row);
        const column = options.position;
        item.position = position ?? (column === undefined ? items.length : positionOf(row.get(column)));
      }
      items.push(item);
    }
  }
  checkItems(items);
  return items;
}

function checkItems(items) {
  const groupOf = new Map();
  const splitOf = new Map();
  const places = new Set();
  for (const { path, group, subject, position, split } of items) {
    const groups = groupOf.get(path) ?? new Set();
    if (groups.has(group)) throw fault(`${path} occurs twice`);
    groupOf.set(path, groups.add(group));
    if (subject === undefined) continue;
    if ((splitOf.get(subject) ?? split) !== split) throw fault(`${subject} is in two splits`);
    splitOf.set(subject, split);
    const place = JSON.stringify([subject, position]);
    if (places.has(place)) throw fault(`two images of ${subject} at one position`);
    places.add(place);
  }
}

/** The label names whose items are poisonous (section 11.6). */
export function poisonousNames({ table, label, column, cells }, files) {
  const rows = readTable(bytesOf(files, table), {}, [label, column]);
  return new Set(rows.filter((row) => cells.includes(row.get(column))).map((row) => row.get(label)));
}
