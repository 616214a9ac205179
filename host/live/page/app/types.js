// What a source says, and what is chosen. Types only: nothing here runs.

/**
 * @typedef {{name: string, title: string, unit: string, high: number, step: number,
 *   value: number}} Knob
 * @typedef {{network: string, on: string, chip: number | null, scheme: string,
 *   calibrate: boolean, knobs: Record<string, number>}} Setting
 * @typedef {{open: () => void, send: (said: Record<string, unknown>) => boolean}} Source
 *   Answers what a page says; `send` tells whether it can now.
 * @typedef {{test: number | null, strokes: number[][], use: number}} Subject
 *   What is shown: a test image by number, or a drawing.
 */

/**
 * @typedef {{kind: "hello", version: string | null, networks: string[], machines: string[],
 *   schemes: {name: string, about: string}[], device: string, knobs: Knob[], tests: number,
 *   setting: Setting, grid: number, calibrates?: boolean,
 *   most: {strokes: number, points: number, chips: number}}} Hello
 * @typedef {{rows: number, columns: number, top: number, states: number, table: number[] | null,
 *   curve: number[] | null, inWords: boolean, kernels: Kernels | null}} LayerPlan
 * @typedef {{map: number[], kernel: number[], stride: number[], padding: number[], pool: number}} Kernels
 *   Height, width and channels of the map; height and width; down and across; top, left, bottom
 *   and right.
 * @typedef {{kind: "made", setting: Setting, network: string, shape: number[],
 *   pixelBits: number, hiddenBits: number, currentBits: number, rahBits: number, neuron: string,
 *   layers: LayerPlan[], readings: string[], seconds: number, source?: string,
 *   counts: {cells: number, changed: number, pulsesPerCell: number, readsPerCell: number,
 *     energy: number | null} | null}} Made
 * @typedef {{inputs: number[], sums: number[], currents: number[] | null,
 *   activations: number[] | null}} LayerValues
 * @typedef {{kind: "shown", serial: number, on: string, image: number[], label: number | null,
 *   number: number, layers: LayerValues[], golden: number[], ideal: number[],
 *   machine: number[] | null, mismatches: number, seconds: number}} Shown
 * @typedef {{kind: "timeline", serial: number, clocks: number,
 *   order?: boolean, stages: {rows: number[], sums: number[]}[]}} Timeline
 *   With `order` no engine's: steps, one for each row and each sum.
 * @typedef {{kind: "machine", state: string, text: string, s: number}} MachineState
 * @typedef {{kind: "score", on: string, images: number, of: number, correct: number,
 *   confusion: number[][], compared: number, mismatches: number,
 *   words: [number, number] | null, wrong: [number, number, number][] | null}} Score
 * @typedef {{kind: "chip", seed: number, accuracy: number, of: number, images: number}} ChipScore
 * @typedef {{kind: "problem", text: string}} Problem
 * @typedef {{kind: "archive"}} Archive
 * @typedef {{kind: "frame", layers: {rows: number, columns: number, top: number}[],
 *   shape: [number, number], device: string, rule: string, seed: number, epochs: number,
 *   images: number, of: number, loss: number | null, curve: [number, number, number][],
 *   pulses: number, most: number, width: number, bars: number[], paused: boolean,
 *   fault: string | false}} Frame
 *   A network that learns. Of `curve` each is images, loss and accuracy; of `bars` each is the
 *   number of devices that got `width` numbers of pulses, from 0 on.
 * @typedef {Hello | Made | Shown | Timeline | MachineState | Score | ChipScore | Problem
 *   | Archive | Frame} Told
 */

export {};
