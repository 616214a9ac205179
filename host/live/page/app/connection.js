// The WebSocket to the server: objects out, objects with bytes in. It comes back by itself.

/** @typedef {import("./types.js").Told} Told */

const AGAIN = 1500;
const POLICY_VIOLATED = 1008;

export class Connection {
  /**
   * @param {(told: Told, content: Uint8Array) => void} take
   * @param {(text: string) => void} lost Told why there is no connection.
   * @param {string} place Of the socket.
   */
  constructor(take, lost, place = "socket") {
    this.take = take;
    this.lost = lost;
    this.place = place;
    /** @type {WebSocket | null} */
    this.socket = null;
  }

  open() {
    const address = new URL(this.place, location.href);
    address.protocol = "ws:";
    address.hash = "";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = (event) => this.closed(event);
    this.socket = socket;
  }

  /** @param {string | ArrayBuffer} data */
  receive(data) {
    if (typeof data === "string") {
      this.take(JSON.parse(data), new Uint8Array());
      return;
    }
    const length = new DataView(data).getUint32(0, true);
    const said = new TextDecoder().decode(new Uint8Array(data, 4, length));
    this.take(JSON.parse(said), new Uint8Array(data, 4 + length));
  }

  /** @param {CloseEvent} event */
  closed(event) {
    this.socket = null;
    if (event.code === POLICY_VIOLATED) {
      this.lost(`the server closed the connection: ${event.reason || "refused"}; load the page again`);
      return;
    }
    this.lost(event.reason || "no connection: is allspin live still running? asking again");
    setTimeout(() => this.open(), AGAIN);
  }

  /**
   * @param {Record<string, unknown>} said
   * @returns {boolean} Whether there is a connection to say it on.
   */
  send(said) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(said));
    return true;
  }
}
