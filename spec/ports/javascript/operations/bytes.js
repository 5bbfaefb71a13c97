/** Bytes and images as the vectors write them (section 20.1). */

export function fromBase64(text) {
  return Uint8Array.from(Buffer.from(text, "base64"));
}

/** Float32, little-endian, as numbers. */
export function float32From(text) {
  const bytes = fromBase64(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

export function imageFrom({ height, width, rgb }) {
  return { height, width, data: fromBase64(rgb) };
}

export function imageTo({ height, width, data }) {
  return { height, width, rgb: Buffer.from(data).toString("base64") };
}

/** Files of a data folder: path to base64, as path to bytes. */
export function filesFrom(files) {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, fromBase64(text)]));
}
