// The values that SPEC.md states in its own text.

import assert from "node:assert/strict";
import { test } from "node:test";

import { association, bounds, tailCount } from "../association.js";
import { halfEven } from "../arithmetic.js";
import { canonical, parse } from "../canonical.js";
import { compareModels, criticalPlace, holm, Models, rankSets } from "../comparison.js";
import { decode } from "../decode.js";
import { constantsOf, resolveTask, taskOf } from "../documents.js";
import { cropOffset, targetSize } from "../geometry.js";
import { cosine, exp, fma } from "../exact.js";
import { GOLDEN, mix, Stream } from "../generator.js";
import { Invalid } from "../invalid.js";
import { enough, quantile, wilson } from "../interval.js";
import { averagePrecision, macroF1, topK, userLoss } from "../metrics.js";
import { nearestNeighbours } from "../neighbours.js";
import { compareCodePoints } from "../order.js";
import { FILTERS, resize } from "../resize.js";
import { frameIndices } from "../views.js";
import { parseYaml } from "../yaml.js";

const invalid = (id) => (error) => error instanceof Invalid && error.id === id;

test("section 2: half-even, and the order of code points, which is not that of UTF-16", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, 2.4, 2.6].map(halfEven), [0, 2, 2, 0, 2, 3]);
  assert.ok(compareCodePoints("\ufb33", "\u{1f600}") < 0);
  assert.ok(compareCodePoints("a", "aa") < 0);
  assert.ok(compareCodePoints("\u{1f600}", "\u{1f601}") < 0);
});

test("section 3: 1.0 is 1, members are sorted, and what is forbidden is refused", () => {
  assert.equal(canonical(parse('{"b": 1.0, "a": [1, -0]}')), '{"a":[1,0],"b":1}');
  assert.throws(() => parse('{"a":1,"a":1}'), invalid("duplicate-key"));
  assert.throws(() => parse("9007199254740992"), invalid("value"));
  assert.throws(() => canonical(NaN), invalid("value"));
  assert.throws(() => canonical("\ud800"), invalid("value"));
});

test("section 5: the check values of the mixer", () => {
  const words = [1n, 2n, 3n].map((i) => mix(i * GOLDEN).toString(16).padStart(16, "0"));
  assert.deepEqual(words, ["e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f"]);
  const stream = new Stream(17, "signs/beluga");
  assert.equal(stream.word(0), 0x80c804d61e9d6434n);
  assert.equal(stream.word(1), 0x68b22cdb433bf437n);
});

test("section 5: bounded integers have the exact product, small and large bounds alike", () => {
  const stream = new Stream(17, "test");
  for (const n of [1, 3, 2 ** 20, 2 ** 20 + 1, 2 ** 32]) {
    for (let i = 0; i < 50; i += 1) {
      assert.equal(BigInt(stream.integer(i, n)), (stream.word(i) * BigInt(n)) >> 64n);
    }
  }
});

test("section 6.2: what both versions read alike, and what they do not", () => {
  assert.deepEqual({ ...parseYaml("a: [1, x, null, 'no']\n") }, { a: [1, "x", null, "no"] });
  for (const text of ["yes", "-0", "0x1F", "1:30", "2020-01-01", "1_000", "~"]) {
    assert.throws(() => parseYaml(`a: ${text}\n`), invalid("ambiguous-scalar"), text);
  }
  assert.throws(() => parseYaml("a: 1\na: 2\n"), invalid("duplicate-key"));
  assert.throws(() => parseYaml("a: no\nb: [\n"), invalid("syntax"));
});

test("section 6.4: version, counts and unknown are never inherited; compat replaces whole keys", () => {
  const bundle = {
    "tasks/a.yaml": { task: "a", version: 3, title: "A", counts: {}, unknown: {}, compat: { view: 1 }, view: 0 },
    "tasks/b.yaml": { task: "b", extends: "a", version: 1 },
    "tasks/c.yaml": { task: "c", extends: "c", version: 1 },
    "protocols/p.yaml": { constants: { k: 1, m: 2 }, compat: { k: 5 } },
  };
  const task = resolveTask(bundle, "b");
  assert.deepEqual(task, { task: "b", version: 1, title: "A", compat: { view: 1 }, view: 0 });
  assert.equal(taskOf(task, "compat").view, 1);
  assert.throws(() => resolveTask(bundle, "c"), invalid("extends-cycle"));
  assert.deepEqual(constantsOf(bundle, "p", "compat"), { k: 5, m: 2 });
});

test("section 7.6: the frames of a clip that is long enough, and of one that is not", () => {
  const view = { frames: 3, stride: 2, start: "middle" };
  assert.deepEqual(frameIndices(12, view, {}), [3, 5, 7]);
  assert.deepEqual(frameIndices(4, view, {}), [0, 1, 2]);
  assert.throws(() => frameIndices(2, view, {}), invalid("value"));
});

test("section 8.2: no filter moves an image of one value", () => {
  const flat = { height: 9, width: 13, data: new Uint8Array(9 * 13 * 3).fill(200) };
  for (const filter of [...Object.keys(FILTERS), "nearest"]) {
    assert.ok(resize(flat, [5, 20], filter).data.every((value) => value === 200), filter);
  }
});

test("section 8.3: sides and offsets", () => {
  assert.deepEqual(targetSize(3, 5, { mode: "shortest", size: [2, 2], long_side: "floor" }), [2, 3]);
  assert.deepEqual(targetSize(4, 10, { mode: "shortest", size: [2, 2], long_side: "half-even" }), [2, 5]);
  assert.deepEqual([5, 3].map((side) => cropOffset(side, 2, "floor")), [1, 0]);
  assert.deepEqual([5, 3, -1].map((side) => cropOffset(side, 0, "half-even")), [2, 2, 0]);
  assert.deepEqual(["floor", "half-even"].map((rule) => cropOffset(1, 4, rule)), [-2, -1]);
});

test("section 10.2: ties by row and by id, and -1 where there are no more rows", () => {
  const constants = { k: 2, normalise: "none", listed_neighbours: 4 };
  const [first] = nearestNeighbours([[0], [1], [-1], [5]], [7, 9, 8, 7], [0], constants);
  assert.deepEqual(first.neighbours, [1, 2, 3, -1]);
  assert.equal(first.prediction, 8);
  assert.equal(first.firstHit, 3);
  assert.equal(first.averagePrecision, 1 / 3);
});

test("section 11: empty cases", () => {
  assert.throws(() => macroF1([], []), invalid("value"));
  assert.equal(averagePrecision([false, false], 0), 0);
  assert.equal(topK([0, 1, 2], 1), 1 / 3);
  assert.equal(macroF1([0, 2], [0, 2], "compat"), 2 / 3);
});

test("section 11.6: the best and the worst value", () => {
  assert.equal(userLoss([-1, 0, 1], [-1, 0, 1], [false, false, true], [false, false, true]), 1);
  assert.equal(userLoss([-1, 0, 1], [1, 1, 0], [false, false, true], [true, true, false]), 0);
});

test("section 12: the table of t, and five equal clusters that are enough", () => {
  const table = [[4, 3], [6, 2]];
  assert.deepEqual([1, 4, 5, 6, 9].map((freedom) => quantile(table, freedom)), [3, 3, 2.5, 2, 2]);
  assert.ok(enough(4.999999999999999, 5) && !enough(4.99, 5));
  assert.equal(wilson(1, 0.1, 2), null);
  assert.equal(wilson(0.5, 0, 2), null);
});

test("section 18: equal models have p = 1, and the smallest p is 1 / (R + 1)", () => {
  const suite = {
    seed: 17,
    interval: { minimum_clusters: 5, few_clusters: 10, lone_class_in: 10, t_quantiles: [[4, 2.8]] },
    comparison: { replicates: 19, alpha: 0.1, minimum_clusters: 8 },
  };
  const influence = Array.from({ length: 8 }, (_, k) => (k % 2 === 0 ? 0.001 : -0.001));
  const still = { score: 0.5, influence: influence.map(() => 0) };
  const models = (a, b) =>
    new Models([{ task: "a-task", weights: influence.map(() => 1 / 8), models: { a, b } }], ["a", "b"], suite);
  assert.equal(compareModels(models(still, still)).p, 1);
  const clear = models({ score: 0.9, influence }, still);
  assert.equal(compareModels(clear).p, 1 / 20);
  assert.equal(compareModels(clear).ahead, "a");
  assert.deepEqual(rankSets(clear).sets, { a: [1, 1], b: [2, 2] });
  assert.equal(criticalPlace(0.05, 999), 950);
  assert.deepEqual(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]);
});

test("section 19: the 25th and the 976th smallest of 1,000", () => {
  assert.equal(tailCount(1000, 0.95), 25);
  assert.equal(tailCount(10, 0.95), 1);
  const values = Array.from({ length: 1000 }, (_, i) => 1000 - i);
  assert.deepEqual(bounds(values, 0.95), { low: 25, high: 976 });
});

test("section 8.1: a JPEG whose tables of codes are not in the file is bad", () => {
  const file = Buffer.from(`ffd8ffdb004300${"01".repeat(64)}ffc0000b080008000801011100ffda0008010100003f00ccafffd9`, "hex");
  assert.throws(() => decode(file), invalid("value"));
});

test("section 19: equal orders, opposite orders, and null where nothing is defined", () => {
  const options = { seed: 17, stream: "association/a/b", replicates: 20, confidence: 0.9 };
  const same = association([1, 2, 3], [2, 4, 6], options);
  assert.deepEqual([same.spearman.value, same.kendall.value, same.misranked.value], [1, 1, 0]);
  assert.equal(association([1, 2], [2, 1], options).kendall.value, -1);
  assert.equal(association([1, 1], [2, 1], options).r2.value, null);
});

test("section 21: a fused multiply-add is rounded once", () => {
  const tiny = 2 ** -23;
  // The exact sum lies 2^-70 below the middle of two float32, which float64 cannot tell.
  const [a, b, c] = [2 ** -12 * (1 + tiny), 2 ** -12 * (1 - tiny), 1 + tiny];
  assert.equal(Math.fround(a * b + c), 1 + 2 * tiny);
  assert.equal(fma(a, b, c), 1 + tiny);
  assert.equal(fma(-a, b, -c), -1 - tiny);
  // Underflow to -0, an infinity, and NaN.
  assert.ok(Object.is(fma(-(2 ** -100), 2 ** -100, 0), -0));
  assert.equal(fma(3e38, 10, 0), Infinity);
  assert.ok(Number.isNaN(fma(Infinity, 0, 1)));
});

test("section 21: functions", () => {
  assert.equal(exp(0), 1);
  assert.equal(exp(-200), 0);
  assert.equal(exp(100), Infinity);
  assert.ok(Math.abs(exp(1) - Math.E) < 2e-7);
  assert.deepEqual([0, Math.PI].map(cosine), [1, -1]);
  assert.ok(Math.abs(cosine(1) - Math.cos(1)) < 2e-16);
});
