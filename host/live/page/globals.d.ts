// uPlot's script makes one global. Its options are plain values here.
interface UPlot {
  cursor: { idx: number | null | undefined };
  setData(values: (number | null)[][]): void;
  setSize(size: { width: number; height: number }): void;
  destroy(): void;
}
declare const uPlot: {
  new (options: Record<string, unknown>, values: (number | null)[][], place: HTMLElement): UPlot;
};
type uPlot = UPlot;

// Newer than the types that are checked against.
interface Element {
  checkVisibility(): boolean;
}
declare class DecompressionStream {
  constructor(format: string);
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}
