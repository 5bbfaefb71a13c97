import { chosenFrames, frameDigests, imageOfSamples, turn } from "../videos.js";
import { imageTo } from "./bytes.js";

export const OPERATIONS = {
  "video.frames": ({ count, frames }) => ({ frames: chosenFrames(count, frames) }),
  "video.rgb": ({ rotation, ...samples }) => imageTo(turn(imageOfSamples(samples), rotation)),
  "video.digest": ({ clips }) => frameDigests(clips),
};
