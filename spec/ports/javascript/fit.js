/** Whether the parts of a resolved task fit each other (section 6.4). */

/** The splits that a layout has. */
export function layoutSplits({ id, options }) {
  if (id === "coco") return ["gallery"];
  if (id === "image-folder") return Object.keys(options.splits);
  if (options.tables !== undefined) return Object.keys(options.tables);
  return Object.keys(options.split).filter((key) => key !== "column");
}

function ruleSplits(split) {
  return split === "leave-one-out" ? ["gallery"] : ["train", "test"];
}

function viewFits({ kind, splits = [] }, options, split) {
  if (kind === "image") return true;
  return options.subject !== undefined && splits.every((name) => ruleSplits(split).includes(name));
}

const METRIC_NEEDS = {
  macro_f1: ({ classes }) => classes,
  accuracy: ({ classes }) => classes,
  top1: ({ classes, gives }) => classes && gives.includes("first_hit"),
  top5: ({ classes, gives }) => classes && gives.includes("first_hit"),
  mean_average_precision: ({ classes, gives }) => classes && gives.includes("average_precision"),
  traits_f1: ({ classes }) => !classes,
  group_accuracy: ({ classes, options }) => classes && options.group !== undefined,
  user_loss: ({ classes, options, labelRule }) =>
    classes &&
    options.unknown_label !== undefined &&
    options.poisonous !== undefined &&
    ["train-names-or-unknown", "written-ids"].includes(labelRule),
};

/** task: a task as a division sees it; layout and protocol: documents. */
export function fits(task, layout, protocol) {
  const { options } = layout;
  const labels = options.traits === undefined ? "classes" : "traits";
  const context = {
    classes: labels === "classes",
    gives: protocol.gives,
    options,
    labelRule: task.label_rule,
  };
  const has = layoutSplits(layout);
  return (
    ruleSplits(task.split).every((name) => has.includes(name)) &&
    protocol.split === task.split &&
    protocol.labels === labels &&
    viewFits(task.view, options, task.split) &&
    (task.label_rule !== "train-names-or-unknown" || options.unknown_label !== undefined) &&
    task.metrics.every((metric) => metric.higher_is_better && METRIC_NEEDS[metric.id](context))
  );
}
