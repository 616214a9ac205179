// node alone.mjs PAGE TASK FILE...: what the page without a server computes, as JSON.
import { readFileSync } from "node:fs";

const [page, task, ...files] = process.argv.slice(2);
const load = (name) => import(`file://${page}/alone/${name}.js`);
const { Data } = await load("data");
const bytes = files.map((file) => new Uint8Array(readFileSync(file)));

/** Take a list of things that are said; each thing told, and the bytes that belong to it. */
async function visited(code, file, said) {
  const { Visit } = await load("visit");
  const told = [];
  const visit = await Visit.open(code, file, (each, content) => told.push([each, [...content]]));
  visit.hello();
  for (const each of said) visit.take(each);
  while (said.some(({ kind }) => kind === "choose") && !told.some(([each]) => each.wrong)) await new Promise((done) => setTimeout(done));
  return told;
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
    return drawings.map((strokes) => [...drawnImage(strokes, 1000, shape)]);
  },
  async answers() {
    const { Machine } = await load("machine");
    const machine = await Machine.load(bytes[0]);
    machine.send(bytes[1]);
    const answers = [];
    for (let size = 1; size; answers.push(...new Uint8Array(machine.reactor.memory.buffer, machine.reactor.out_ptr(), size))) size = machine.reactor.run(1000);
    return answers;
  },
  async visit() {
    return visited(bytes[0], bytes[1], JSON.parse(new TextDecoder().decode(bytes[2])));
  },
};
console.log(JSON.stringify(await tasks[task]()));
