/** Image files (section 8.1): the format is told from the first bytes. The optional ones are not read. */

import { Invalid } from "./invalid.js";
import { decodeJpeg, isJpeg } from "./jpeg.js";
import { decodePng, isPng } from "./png.js";

/** {height, width, data: RGB bytes}. */
export function decode(bytes) {
  if (isJpeg(bytes)) return decodeJpeg(bytes);
  if (isPng(bytes)) return decodePng(bytes);
  throw new Invalid("value", "neither JPEG nor PNG");
}
