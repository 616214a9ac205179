// node alone.mjs PAGE TASK FILE...: what the page without a server computes, as JSON.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const [page, task, ...files] = process.argv.slice(2);
const load = (name) => import(`file://${page}/alone/${name}.js`);
const { Data } = await load("data");
const bytes = files.map((file) => new Uint8Array(readFileSync(file)));

const OUT = 1 << 24; // Where the answers are in a memory of twice that.

/** A native board in the reactor's place: it is told everything from its beginning each time. */
class Native {
  constructor(program) {
    Object.assign(this, { program, memory: { buffer: new ArrayBuffer(2 * OUT) }, given: 0, taken: 0 });
  }
  _initialize() {}
  trace() {}
  give(count) {
    this.given += count;
    return this.given - count;
  }
  run(frames) {
    const input = new Uint8Array(this.memory.buffer, 0, this.given);
    const said = spawnSync(this.program, { input, maxBuffer: OUT }).stdout.subarray(this.taken);
    let size = 0;
    while (frames && size < said.length) frames -= said[size++] === 0;
    new Uint8Array(this.memory.buffer, OUT, size).set(said.subarray(0, size));
    this.taken += size;
    return size;
  }
  out_ptr = () => OUT;
  activity_ptr = () => 0;
  activity_clocks = () => 0;
}

/** The server's part, with a native board or with WebAssembly. */
async function opened(program, code, data, tell) {
  const { Machine } = await load("machine");
  const { Visit } = await load("visit");
  return new Visit(program ? new Machine(new Native(program)) : await Machine.load(code), data, tell);
}

const tasks = {
  async model() {
    const { Generator } = await load("generator");
    const { Model } = await load("model");
    const data = new Data(bytes[0]);
    const cells = data.plan.layers.map(({ rows, columns }) => rows * columns);
    const { seed } = JSON.parse(new TextDecoder().decode(bytes[2]));
    let place = 0;
    const words = cells.map((count) => new Int8Array(bytes[1].slice(place, (place += count)).buffer));
    const model = new Model(data.plan, words, seed === null ? null : new Generator(data.normals, seed));
    return Array.from({ length: data.tests }, (_, number) => model.trace(data.values(data.image(number)), 65530 + number));
  },
  async protocol() {
    const { decode, frame, sparse } = await load("protocol");
    const { bodies, images, bits } = JSON.parse(new TextDecoder().decode(bytes[0]));
    const frames = bodies.map((body, tag) => frame(3, tag, body));
    return { frames, bodies: frames.map((each) => [...decode(Uint8Array.from(each.slice(0, -1))).body]), images: images.map((values) => sparse(values, bits)) };
  },
  async draw() {
    const { drawnImage } = await load("drawing");
    const { drawings, shape } = JSON.parse(new TextDecoder().decode(bytes[0]));
    return drawings.map((strokes) => [...drawnImage(strokes, shape)]);
  },
  async answers() {
    const { Machine } = await load("machine");
    const machine = await Machine.load(bytes[1]);
    machine.send(bytes[2]);
    const answers = [];
    for (let size = 1; size; answers.push(...new Uint8Array(machine.reactor.memory.buffer, machine.reactor.out_ptr(), size))) size = machine.reactor.run(1000);
    return answers;
  },
  /** What is told to a page that says some things: each, and the bytes that belong to it. */
  async visit() {
    const { program, said } = JSON.parse(new TextDecoder().decode(bytes[1]));
    const told = [];
    const visit = await opened(program, bytes[2], new Data(bytes[0]), (each, content) => told.push([each, [...content]]));
    visit.hello();
    for (const each of said) visit.take(each);
    while (!told.some(([each]) => each.wrong || each.kind === "problem")) await new Promise((done) => setTimeout(done));
    return told;
  },
  /** Logits of row values by the gateware and by the page's model; and images a second of the gateware. */
  async logits() {
    const { program, seed, first } = JSON.parse(new TextDecoder().decode(bytes[1]));
    const data = new Data(bytes[0]);
    const visit = await opened(program, bytes[3], data, () => {});
    visit.choose({ chip: seed });
    clearTimeout(visit.scoring);
    const { rows } = data.plan.layers[0];
    const values = Array.from({ length: bytes[2].length / rows }, (_, number) => [...bytes[2].subarray(number * rows, (number + 1) * rows)]);
    const begun = performance.now();
    const machine = visit.machine.logits(values, first);
    const rate = (1000 * values.length) / (performance.now() - begun);
    return { machine, model: values.map((each, number) => visit.model.trace(each, first + number).pop().sums), rate };
  },
};
console.log(JSON.stringify(await tasks[task]()));
