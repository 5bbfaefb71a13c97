/** Digests (section 4). */

import { blake3 } from "./blake3.js";
import { canonicalBytes } from "./canonical.js";
import { Invalid } from "./invalid.js";
import { compareCodePoints } from "./order.js";
import { hexOf, sha256Bytes } from "./sha256.js";

const TABLE_BYTES = 3072;

/** `sha256:` and the digest of the parts, one after the other. */
export function sha256(...parts) {
  return `sha256:${hexOf(sha256Bytes(...parts))}`;
}

export function digestOfValue(value) {
  return sha256(canonicalBytes(value));
}

export function blake3Leaf(bytes) {
  return `blake3:${blake3(bytes)}`;
}

/** rows: {id, path, label or traits, split, group?, subject?, cluster?}. */
export function manifestDigest(rows) {
  const groups = rows.some(({ group }) => group !== undefined);
  const subjects = rows.some(({ subject }) => subject !== undefined);
  const clusters = rows.some(({ cluster }) => cluster !== undefined);
  return digestOfValue(
    rows.map(({ id, path, label, traits, split, group = "", subject = "", cluster = "" }) => [
      id,
      path,
      traits ?? label,
      split,
      ...(groups ? [group] : []),
      ...(subjects ? [subject] : []),
      ...(clusters ? [cluster] : []),
    ]),
  );
}

/** crops: [[id, uint8 H x W x 3 row-major], ...]. */
export function pixelsDigest(crops) {
  return digestOfValue(crops.map(([id, pixels]) => [id, blake3Leaf(pixels)]));
}

/** rows: one array of numbers an id, rounded to float32 here. */
export function featuresDigest(ids, rows) {
  return digestOfValue(ids.map((id, i) => [id, sha256(float32Bytes(rows[i]))]));
}

/** tensors: {name: {dtype, shape, bytes}}, bytes row-major and little-endian. */
export function weightsDigest(tensors) {
  const names = Object.keys(tensors).sort(compareCodePoints);
  const head = names.map((name) => [name, tensors[name].dtype, tensors[name].shape]);
  return sha256(canonicalBytes(head), Uint8Array.of(0), ...names.map((name) => tensors[name].bytes));
}

/** geometry: section 8.4; table: the 3,072 bytes of section 8.5. */
export function recipeDigest(geometry, table) {
  if (table.length !== TABLE_BYTES) throw new Invalid("value", "a value table of another size");
  return digestOfValue({ ...geometry, table: sha256(table) });
}

/** The result without what holds times, hosts and its own digest. */
export function resultDigest(result) {
  const { environment, run, ...kept } = result;
  const { result: own, ...digests } = kept.digests;
  const tasks = Object.fromEntries(
    Object.entries(kept.tasks).map(([id, { cost, ...task }]) => [id, task]),
  );
  return digestOfValue({ ...kept, tasks, digests });
}

function float32Bytes(values) {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  Array.from(values).forEach((value, i) => view.setFloat32(4 * i, value, true));
  return new Uint8Array(view.buffer);
}
