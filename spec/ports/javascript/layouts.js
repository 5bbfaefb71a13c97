/**
 * The layouts image-folder and coco (section 7.1). `files` is the data folder: path to bytes. An item is
 * {id, path, name, split, cluster?}; a table's items may have traits, subject, position and group too.
 */

import { csv, textOf } from "./csv_layout.js";
import { bytesOf, joinPath, tidyPath } from "./files.js";
import { Invalid } from "./invalid.js";
import { compareCodePoints } from "./order.js";

const IMAGE = /\.(?:jpe?g|png|webp|gif|bmp|tiff?)$/i;
const OTHER_IMAGE = /\.(?:avif|heic|jp2|jxl|pgm|ppm)$/i;

/**
 * The folder of a split without hidden names: its path with a `/`, the folders right in it and the
 * files at any depth. Hidden files tell that the folder that they lie in is there.
 */
function visible(folder, files) {
  const place = tidyPath(folder);
  const prefix = place === "" ? "" : `${place}/`;
  const there = Object.keys(files).filter((path) => path.startsWith(prefix));
  if (there.length === 0) throw new Invalid("value", `no folder ${folder}`);
  const hidden = (part) => part.startsWith(".");
  const partsOf = (path) => path.slice(prefix.length).split("/");
  const folders = there.map(partsOf).flatMap(([first, ...rest]) => (rest.length > 0 ? [first] : []));
  return {
    prefix,
    folders: new Set(folders.filter((name) => !hidden(name))),
    paths: there.filter((path) => !partsOf(path).some(hidden)),
  };
}

/** Whether a split's images lie in its folder itself and a list has their classes. */
function isFlat(options, split, files) {
  return options.flat?.[split] !== undefined && visible(options.splits[split], files).folders.size === 0;
}

function listedItems({ labels, classes }, split, paths, files) {
  if (paths.some((path) => OTHER_IMAGE.test(path))) throw new Invalid("value", "an image of another format");
  const images = paths.filter((path) => IMAGE.test(path)).sort(compareCodePoints);
  const text = Buffer.from(bytesOf(files, labels)).toString("latin1");
  const numbers = text.split(/[ \t\n\v\f\r]+/).filter((word) => word !== "");
  if (numbers.length !== images.length) throw new Invalid("value", "a list that does not fit its images");
  return images.map((path, i) => {
    const name = /^[1-9][0-9]{0,8}$/.test(numbers[i]) ? classes[Number(numbers[i]) - 1] : undefined;
    if (name === undefined) throw new Invalid("value", `no class ${numbers[i]}`);
    return { id: path, path, name, split };
  });
}

function imageFolder(options, files) {
  return Object.entries(options.splits).flatMap(([split, folder]) => {
    const { prefix, folders, paths } = visible(folder, files);
    if (isFlat(options, split, files)) return listedItems(options.flat[split], split, paths, files);
    const items = [];
    for (const path of paths) {
      const parts = path.slice(prefix.length).split("/");
      if (parts.length > 1 && OTHER_IMAGE.test(path)) throw new Invalid("value", `format of ${path}`);
      if (!IMAGE.test(path)) continue;
      if (parts.length === 1) throw new Invalid("value", `${path} lies outside a class folder`);
      items.push({ id: path, path, name: parts[0], split });
    }
    const found = new Set(items.map(({ name }) => name));
    if (found.size < folders.size) throw new Invalid("value", "a class folder without an image");
    return items;
  });
}

/** A JSON text with its integers, which are written without point and exponent, as BigInt. */
function parseWithIntegers(text) {
  JSON.parse(text);
  let mark = "integer";
  while (text.includes(mark)) mark += "_";
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?[0-9][-+.0-9Ee]*/g, (token) =>
    /^-?[0-9]+$/.test(token) ? `{"${mark}":"${token}"}` : token,
  );
  const integer = (value) => value !== null && typeof value === "object" && Object.hasOwn(value, mark);
  return JSON.parse(marked, (_, value) => (integer(value) ? BigInt(value[mark]) : value));
}

/** Annotations are data and no document: their names and numbers need not be those of section 3. */
function annotationsOf(bytes, keys) {
  const text = textOf(bytes);
  try {
    const { images, annotations } = parseWithIntegers(text);
    const names = new Set(["images", "annotations", "id", "file_name", "image_id", ...keys]);
    const sound = Array.isArray(images) && Array.isArray(annotations) && !repeatsName(text, names);
    if (sound) return { images, annotations };
  } catch {
    // said below
  }
  throw new Invalid("value", "no file of images and annotations");
}

/** Whether an object of a JSON text has one of these names twice; JSON.parse takes the last one. */
function repeatsName(text, names) {
  const open = [];
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(string);
      if (names.has(name) && open.at(-1).has(name)) return true;
      open.at(-1).add(name);
    }
  }
  return false;
}

function isText(value) {
  return typeof value === "string" && value !== "" && value.isWellFormed();
}

/** An id of an image in text: `12` and `"12"` are one. */
function imageId(value) {
  if (typeof value === "bigint" || isText(value)) return String(value);
  throw new Invalid("value", "an id of an image");
}

function labelOf(value) {
  if (isText(value)) return value;
  throw new Invalid("value", "a label");
}

function imagePath(folder, name) {
  if (typeof name !== "string") throw new Invalid("value", "file_name");
  return joinPath(folder, joinPath(name));
}

function coco(options, files) {
  const key = options.cluster?.key;
  const keys = key === undefined ? [options.label] : [options.label, key];
  const document = annotationsOf(bytesOf(files, options.annotations), keys);
  const notes = new Map();
  for (const annotation of document.annotations) {
    const key = imageId(annotation.image_id);
    if (notes.has(key)) throw new Invalid("value", `two annotations of image ${key}`);
    notes.set(key, annotation);
  }
  const ids = new Set(document.images.map(({ id }) => imageId(id)));
  for (const id of notes.keys()) if (!ids.has(id)) throw new Invalid("value", `no image ${id}`);
  const paths = new Set(document.images.map(({ file_name: name }) => imagePath(options.images, name)));
  if (paths.size < document.images.length) throw new Invalid("value", "two images of one path");
  return document.images.map((image) => {
    const id = imageId(image.id);
    if (!notes.has(id)) throw new Invalid("value", `no annotation of image ${id}`);
    const path = imagePath(options.images, image.file_name);
    bytesOf(files, path);
    const note = notes.get(id);
    const cluster = key === undefined ? {} : { cluster: clusterOfNote(note[key]) };
    return { id, path, name: labelOf(note[options.label]), split: "gallery", ...cluster };
  });
}

function clusterOfNote(value) {
  if (typeof value !== "bigint" && !isText(value)) {
    throw new Invalid("value", "a cluster that is no text");
  }
  return String(value);
}

/** What `{cluster}` stands for where a path ends as the pattern says. */
function clusterOfPath(pattern, path) {
  const parts = pattern.split("/");
  const forms = parts.map((part) =>
    part
      .split(/(\{cluster\}|\*)/)
      .map((piece) => {
        if (piece === "*") return "[^/]*?";
        if (piece === "{cluster}") return "([^/]+?)";
        return piece.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
      })
      .join(""),
  );
  const found = new RegExp(`(?:^|/)${forms.join("/")}$`, "su").exec(path);
  if (found === null) throw new Invalid("value", `${path} does not match ${pattern}`);
  return found[1];
}

/** Files of a layout besides the images. */
function annotationFiles({ id, options }, files) {
  if (id === "image-folder") {
    const splits = Object.keys(options.splits).filter((split) => isFlat(options, split, files));
    return splits.map((split) => joinPath(options.flat[split].labels));
  }
  if (id === "coco") return [tidyPath(options.annotations)];
  if (id !== "csv") return [];
  const tables = options.tables === undefined ? [options.table] : Object.values(options.tables);
  const poisonous = options.poisonous === undefined ? [] : [options.poisonous.table];
  return [...tables.flat(), ...poisonous].map(tidyPath);
}

/** The items of a layout {id, options}; mayMiss: images may have no file, since a view drops them. */
export function itemsOf(layout, files, mayMiss = false) {
  const find = { "image-folder": imageFolder, coco, csv }[layout.id];
  if (find === undefined) throw new Invalid("unknown-reference", `no layout ${layout.id}`);
  const items = find(layout.options, files);
  const pattern = layout.options.cluster?.pattern;
  for (const item of pattern === undefined ? [] : items) {
    if (item.split !== "train") item.cluster = clusterOfPath(pattern, item.path);
  }
  if (new Set(items.map(({ id }) => id)).size < items.length) {
    throw new Invalid("value", "two items with one id");
  }
  const missing = items.find((item) => item.missing);
  if (missing !== undefined && !mayMiss) throw new Invalid("value", `no file ${missing.path}`);
  return items;
}

/** The paths that the digest of a data set's files covers, in code-point order. */
export function namedFiles(layout, files) {
  const paths = [...annotationFiles(layout, files), ...itemsOf(layout, files).map(({ path }) => path)];
  return [...new Set(paths)].sort(compareCodePoints);
}
