import * as digest from "../digest.js";
import { Invalid } from "../invalid.js";
import { namedFiles } from "../layouts.js";
import { filesFrom, fromBase64 } from "./bytes.js";

function predictionRows({ ids, y_true: truth, y_pred: predicted, extras }) {
  if (new Set(ids).size < ids.length) throw new Invalid("duplicate-id");
  const columns = [truth, predicted, ...Object.values(extras)];
  if (columns.some((column) => column.length !== ids.length)) throw new Invalid("value");
  return ids.map((id, i) => [
    id,
    truth[i],
    predicted[i],
    Object.fromEntries(Object.entries(extras).map(([name, column]) => [name, column[i]])),
  ]);
}

function tensorsFrom(tensors) {
  return Object.fromEntries(
    tensors.map(({ name, dtype, shape, elements }) => [
      name,
      { dtype, shape, bytes: fromBase64(elements) },
    ]),
  );
}

export const OPERATIONS = {
  "digest.value": ({ value }) => ({ digest: digest.digestOfValue(value) }),
  "digest.root": ({ tasks }) => ({ digest: digest.digestOfValue(tasks) }),
  "digest.score": ({ score, interval, no_interval, clusters, metrics }) => ({
    digest: digest.digestOfValue({ score, interval, no_interval, clusters, metrics }),
  }),
  "digest.manifest": ({ rows }) => ({ digest: digest.manifestDigest(rows) }),
  "digest.predictions": (given) => ({ digest: digest.digestOfValue(predictionRows(given)) }),
  "digest.features": ({ ids, features }) => ({ digest: digest.featuresDigest(ids, features) }),
  "digest.weights": ({ tensors }) => ({ digest: digest.weightsDigest(tensorsFrom(tensors)) }),
  "digest.recipe": ({ geometry, table }) => ({
    geometry: digest.digestOfValue(geometry),
    recipe: digest.recipeDigest(geometry, fromBase64(table)),
  }),
  "digest.pixels": ({ rows }) => {
    const crops = rows.map(({ id, crop }) => [id, fromBase64(crop.rgb)]);
    return {
      digest: digest.pixelsDigest(crops),
      leaves: crops.map(([, pixels]) => digest.blake3Leaf(pixels)),
    };
  },
  "digest.files": ({ layout, files: given }) => {
    const files = filesFrom(given);
    const paths = namedFiles(layout, files);
    return {
      bytes: paths.reduce((total, path) => total + files[path].length, 0),
      count: paths.length,
      digest: digest.digestOfValue(paths.map((path) => [path, digest.sha256(files[path])])),
    };
  },
  "digest.result": ({ result }) => ({ digest: digest.resultDigest(result) }),
};
