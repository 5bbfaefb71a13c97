import * as svm from "../svm.js";
import { constantsFor } from "./constants.js";

const lists = (rows) => rows.map((row) => Array.from(row));

export const OPERATIONS = {
  "svm.rows": ({ features, test }) => {
    const rows = svm.centredRows(features, test);
    return { features: lists(rows.train), test: lists(rows.test), mean: Array.from(rows.mean) };
  },
  "svm.intercept": ({ gaps, positives }) => ({ intercept: svm.intercept(gaps, positives) }),
  "svm.vote": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    const pairs = svm.pairsOf(Array.from({ length: given.classes }, (_, id) => id));
    return { classes: given.decisions.map((values) => svm.voteOf(pairs, values, constants)) };
  },
  "svm.violation": (given, bundle) =>
    svm.violationOf(given.rows, given.signs, given.dual, constantsFor(given, bundle)),
  "svm.fit": (given, bundle) => {
    const { features, labels, test } = given;
    const found = svm.fitGroup(features, labels, test, constantsFor(given, bundle));
    return {
      weight: found.machines.map(({ weight }) => Array.from(weight)),
      intercept: found.machines.map((machine) => machine.intercept),
      decisions: found.decisions,
      y_pred: found.predictions,
    };
  },
  "svm.groups": (given, bundle) => {
    const groupsOf = (pairs) => pairs.map(([, name]) => name);
    const train = {
      rows: given.features.slice(0, given.train.length),
      labels: given.train.map(([label]) => label),
      groups: groupsOf(given.train),
    };
    const test = {
      rows: given.features.slice(given.train.length),
      groups: groupsOf(given.test),
    };
    return { y_pred: svm.predictByGroup(train, test, constantsFor(given, bundle)) };
  },
};
