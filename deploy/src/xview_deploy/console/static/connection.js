// The WebSocket to the console's server: pictures and states in, orders and heartbeats out.
// Nothing is kept for later: what cannot be sent now is refused now, so no old click acts after a reconnect.

const HEARTBEAT_MS = 100;
const SILENCE_MS = 2500; // the server speaks ten times a second; longer silence is a dead connection
const REFUSED = 4403;
const LOST = "The connection was lost before an answer came. Nothing is queued; look before you ask again.";

export class Connection {
  // on: {link, welcome, state, goal, draft, picture, error}, functions. Call `open` once they can be called.
  constructor(on) {
    this.on = on;
    this.tick = 0;
    this.requests = 0;
    this.pending = new Map();
    this.retryMs = 300;
    this.greeted = false;
    setInterval(() => this.beat(), HEARTBEAT_MS);
    addEventListener("pagehide", () => this.socket?.close());
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.write({ type: "hello", token: decodeURIComponent(location.hash.slice(1)) });
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.closed(socket, event.code);
    this.socket = socket;
    this.heardMs = performance.now();
    this.on.link("connecting");
  }

  get usable() {
    return this.greeted && this.socket?.readyState === WebSocket.OPEN;
  }

  // Resolves to {ok, message}; never rejects.
  order(type, fields = {}) {
    return this.ask({ type, tick: this.tick, ...fields });
  }

  // Works from any page at any time, without a tick.
  stop() {
    return this.ask({ type: "stop" });
  }

  watch(camera) {
    if (this.usable) this.write({ type: "watch", camera });
  }

  seen(header) {
    if (this.usable) this.write({ type: "seen", camera: header.camera, frame: header.frame });
  }

  ask(record) {
    if (!this.usable) {
      return Promise.resolve({ ok: false, message: "Not connected to the console's server: nothing was sent." });
    }
    const request = ++this.requests;
    this.write({ ...record, request });
    return new Promise((resolve) => this.pending.set(request, resolve));
  }

  write(record) {
    this.socket.send(JSON.stringify(record));
  }

  // A heartbeat says that the operator can see the page: a hidden one sends none, and the gate stops the robot.
  beat() {
    if (!this.usable) return;
    if (performance.now() - this.heardMs > SILENCE_MS) {
      this.socket.close();
      this.closed(this.socket, 0);
    } else if (document.visibilityState === "visible") {
      this.write({ type: "heartbeat", tick: this.tick });
    }
  }

  receive(data) {
    this.heardMs = performance.now();
    if (typeof data !== "string") {
      const length = new DataView(data).getUint32(0, true);
      const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
      this.tick = Math.max(this.tick, header.tick);
      this.on.picture(header, new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "answer") {
      this.pending.get(message.request)?.(message);
      this.pending.delete(message.request);
    } else if (message.type === "refused") {
      this.on.link("refused", message.message);
    } else {
      if (message.type === "welcome") {
        this.tick = message.tick; // a new server counts anew
        this.greeted = true;
        this.retryMs = 300;
        this.on.link("open");
      }
      if (message.type === "state") this.tick = Math.max(this.tick, message.tick);
      this.on[message.type](message);
    }
  }

  closed(socket, code) {
    if (socket !== this.socket || socket.handled) return;
    socket.handled = true;
    this.greeted = false;
    for (const resolve of this.pending.values()) resolve({ ok: false, message: LOST });
    this.pending.clear();
    if (code === REFUSED) return;
    this.on.link("lost");
    setTimeout(() => this.open(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, 3000);
  }
}
