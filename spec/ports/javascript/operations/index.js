/** Name of an operation to its function of (input, bundle). */

import { OPERATIONS as canonical } from "./canonical.js";
import { OPERATIONS as centroid } from "./centroid.js";
import { OPERATIONS as comparison } from "./comparison.js";
import { OPERATIONS as digest } from "./digest.js";
import { OPERATIONS as documents } from "./documents.js";
import { OPERATIONS as exact } from "./exact.js";
import { OPERATIONS as generator } from "./generator.js";
import { OPERATIONS as interval } from "./interval.js";
import { OPERATIONS as layouts } from "./layouts.js";
import { OPERATIONS as linearProbe } from "./linear_probe.js";
import { OPERATIONS as logistic } from "./logistic.js";
import { OPERATIONS as manifest } from "./manifest.js";
import { OPERATIONS as metric } from "./metric.js";
import { OPERATIONS as modelConstants } from "./model_constants.js";
import { OPERATIONS as neighbours } from "./neighbours.js";
import { OPERATIONS as pixels } from "./pixels.js";
import { OPERATIONS as svm } from "./svm.js";
import { OPERATIONS as traitsNetwork } from "./traits_network.js";
import { OPERATIONS as video } from "./video.js";

export const OPERATIONS = {
  ...canonical,
  ...centroid,
  ...comparison,
  ...digest,
  ...documents,
  ...exact,
  ...generator,
  ...interval,
  ...layouts,
  ...linearProbe,
  ...logistic,
  ...manifest,
  ...metric,
  ...modelConstants,
  ...neighbours,
  ...pixels,
  ...svm,
  ...traitsNetwork,
  ...video,
};
