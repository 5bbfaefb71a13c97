import { applyGeometry, cropOffset, targetSize } from "../geometry.js";
import { resize } from "../resize.js";
import { imageFrom, imageTo } from "./bytes.js";

export const OPERATIONS = {
  "pixels.resize": ({ image, height, width, filter }) =>
    imageTo(resize(imageFrom(image), [height, width], filter)),
  "pixels.target_size": ({ geometry, height: h, width: w }) => {
    const [height, width] = targetSize(h, w, geometry);
    return { height, width };
  },
  "pixels.crop_offset": ({ crop_rounding: rounding, side, crop }) => ({
    offset: cropOffset(side, crop, rounding),
  }),
  "pixels.recipe": ({ geometry, image }) => imageTo(applyGeometry(imageFrom(image), geometry)),
};
