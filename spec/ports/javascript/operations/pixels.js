import { decode } from "../decode.js";
import { applyGeometry, cropOffset, targetSize, valueTable } from "../geometry.js";
import { resize } from "../resize.js";
import { fromBase64, imageFrom, imageTo } from "./bytes.js";

export const OPERATIONS = {
  "pixels.decode": ({ file }) => imageTo(decode(fromBase64(file))),
  "pixels.resize": ({ image, height, width, filter }) =>
    imageTo(resize(imageFrom(image), [height, width], filter)),
  "pixels.target_size": ({ geometry, height: h, width: w }) => {
    const [height, width] = targetSize(h, w, geometry);
    return { height, width };
  },
  "pixels.crop_offset": ({ crop_rounding: rounding, side, crop }) => ({
    offset: cropOffset(side, crop, rounding),
  }),
  "pixels.table": ({ mean, std }) => ({
    table: Buffer.from(valueTable(mean, std).buffer).toString("base64"),
  }),
  "pixels.recipe": ({ geometry, image }) => imageTo(applyGeometry(imageFrom(image), geometry)),
};
