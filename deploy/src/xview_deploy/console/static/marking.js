// Step 1: pointing at the target on the third-person picture. Clicks, boxes and brush strokes become orders that
// name the picture that they were made on; what comes back is drawn over that picture, which stands still.

import { outlinePath } from "./picture.js";

const TARGET = "#45d0b0";
const BESIDE = "#ff8185";
const DRAG_PX = 6; // CSS pixels; less is a click

export class Marking {
  // changed() is told whenever draft, tool or waiting change; complain(message) when an order was refused.
  constructor(view, connection, changed, complain) {
    Object.assign(this, { view, connection, changed, complain });
    this.tool = "mark";
    this.radius = 8;
    this.allowed = false;
    this.draft = null;
    this.waiting = false;
    this.gesture = null;
    this.hover = null;
    const canvas = view.canvas;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.abandon());
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  choose(tool) {
    this.tool = tool;
    this.changed();
    this.view.redraw();
  }

  down(event) {
    if (!this.allowed || this.waiting || !this.view.shown || ![0, 2].includes(event.button)) return;
    if (this.tool !== "mark" && !this.draft) {
      this.complain("Mark the target first; Add and Erase correct its outline.");
      return;
    }
    this.view.canvas.setPointerCapture(event.pointerId);
    this.view.freeze();
    this.gesture = {
      from: [event.clientX, event.clientY],
      points: [this.view.toPicture(event)],
      beside: event.button === 2 || event.shiftKey,
      dragged: false,
    };
    this.view.redraw();
  }

  move(event) {
    if (!this.view.shown) return;
    this.hover = this.view.toPicture(event);
    const gesture = this.gesture;
    if (gesture) {
      const [x, y] = gesture.from;
      gesture.dragged ||= Math.hypot(event.clientX - x, event.clientY - y) > DRAG_PX;
      gesture.points.push(this.hover);
    }
    this.view.redraw();
  }

  leave() {
    this.hover = null;
    this.view.redraw();
  }

  up(event) {
    const gesture = this.gesture;
    if (!gesture) return;
    this.gesture = null;
    gesture.points.push(this.view.toPicture(event));
    if (this.tool !== "mark") this.stroke(gesture);
    else if (gesture.dragged && !gesture.beside) this.box(gesture.points);
    else this.click(gesture.points[0], !gesture.beside);
  }

  abandon() {
    this.gesture = null;
    if (!this.draft && !this.waiting) this.view.thaw();
    this.view.redraw();
  }

  click(point, onTarget) {
    if (!onTarget && !this.draft) {
      this.abandon();
      this.complain("Click on the target first; then Shift or right click what does not belong to it.");
      return;
    }
    this.order("click", { ...this.picture(), point, on_target: onTarget });
  }

  box(points) {
    const [x0, y0] = points[0];
    const [x1, y1] = points.at(-1);
    const box = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
    this.order("box", { ...this.picture(), box });
  }

  stroke({ points }) {
    const step = Math.ceil(points.length / 2000);
    const thinned = points.filter((_, index) => index % step === 0);
    this.order("paint", { draft: this.draft.draft, points: thinned, radius: this.radius, add: this.tool === "add" });
  }

  another() {
    if (this.draft?.proposals > 1) this.order("another", { draft: this.draft.draft });
  }

  undo() {
    if (this.draft?.can_undo) this.order("undo", { draft: this.draft.draft });
  }

  async accept(event) {
    const answer = await this.order("accept", { draft: this.draft.draft, event });
    if (answer?.ok) this.forget();
    return answer;
  }

  cancel() {
    if (this.connection.usable && (this.draft || this.waiting)) this.connection.order("cancel");
    this.forget();
  }

  picture() {
    const { camera, frame, stamp_ns } = this.view.shown.header;
    return { camera, frame, stamp_ns };
  }

  // The answer, or nothing when the mark was cancelled meanwhile or another order is under way.
  async order(type, fields) {
    if (this.waiting) return null;
    const asked = (this.asked = {});
    this.waiting = true;
    this.changed();
    const answer = await this.connection.order(type, fields);
    if (asked !== this.asked) return null;
    this.waiting = false;
    if (!answer.ok) {
      if (!this.draft) this.view.thaw();
      this.complain(answer.message);
    }
    this.changed();
    this.view.redraw();
    return answer;
  }

  // The server's draft: kept only while it answers what is shown.
  received(draft) {
    const shown = this.view.frozen?.header;
    if (!this.asked || shown?.camera !== draft.camera || shown.frame !== draft.frame) return;
    this.draft = { ...draft, path: outlinePath(draft.outline) };
    this.changed();
    this.view.redraw();
  }

  forget() {
    this.asked = null;
    this.draft = null;
    this.waiting = false;
    this.gesture = null;
    this.tool = "mark";
    this.view.thaw();
    this.changed();
  }

  paint(context, { width, height, pixel }) {
    if (this.draft) this.paintDraft(context, width, height, pixel);
    const { gesture } = this;
    if (gesture?.dragged && this.tool === "mark" && !gesture.beside) {
      const [x0, y0] = gesture.points[0];
      const [x1, y1] = gesture.points.at(-1);
      context.lineWidth = 2 * pixel;
      context.strokeStyle = "#fff";
      context.setLineDash([6 * pixel, 4 * pixel]);
      context.strokeRect(x0, y0, x1 - x0, y1 - y0);
      context.setLineDash([]);
    }
    if (gesture && this.tool !== "mark") this.paintStroke(context, gesture.points);
    if (this.tool !== "mark" && this.hover) {
      context.beginPath();
      context.arc(...this.hover, this.radius, 0, 2 * Math.PI);
      context.lineWidth = 1.5 * pixel;
      context.strokeStyle = this.tool === "add" ? TARGET : BESIDE;
      context.stroke();
    }
  }

  // The rest of the picture steps back, the target keeps its own colours: an outline alone hides what it missed.
  paintDraft(context, width, height, pixel) {
    const { path, positive, negative } = this.draft;
    const beside = new Path2D(path);
    beside.rect(0, 0, width, height);
    context.fillStyle = "rgba(6, 10, 12, 0.55)";
    context.fill(beside, "evenodd");
    context.fillStyle = "rgba(69, 208, 176, 0.28)";
    context.fill(path, "evenodd");
    context.lineWidth = 2 * pixel;
    context.strokeStyle = TARGET;
    context.stroke(path);
    for (const [points, colour] of [[positive, TARGET], [negative, BESIDE]]) {
      for (const [x, y] of points) {
        context.beginPath();
        context.arc(x, y, 4.5 * pixel, 0, 2 * Math.PI);
        context.fillStyle = colour;
        context.fill();
        context.lineWidth = 1.5 * pixel;
        context.strokeStyle = "#06231d";
        context.stroke();
      }
    }
  }

  paintStroke(context, points) {
    context.beginPath();
    points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.lineWidth = 2 * this.radius;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = this.tool === "add" ? "rgba(69, 208, 176, 0.5)" : "rgba(255, 129, 133, 0.5)";
    context.stroke();
  }
}
