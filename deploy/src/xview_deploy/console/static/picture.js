// A canvas that shows a camera's newest picture, or one that was frozen, with drawings in the picture's pixels.

export class PictureView {
  // paint(context, view) draws over the picture; seen(header) is told when a picture is on the screen.
  constructor(canvas, paint, seen) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.paint = paint;
    this.seen = seen;
    this.live = null; // {header, bitmap}
    this.frozen = null;
    this.scheduled = false;
    this.generation = 0; // grows when the camera is changed
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  get shown() {
    return this.frozen ?? this.live;
  }

  async show(header, blob) {
    const generation = this.generation;
    let bitmap = null;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      this.seen(header); // one that does not decode must not hold up the ones after it
      return;
    }
    // Decoders may finish out of order, and the camera may have been changed meanwhile.
    if (generation !== this.generation || header.frame < (this.live?.header.frame ?? 0)) bitmap.close();
    else {
      if (this.live !== this.frozen) this.live?.bitmap.close();
      this.live = { header, bitmap };
      this.redraw();
    }
    this.seen(header);
  }

  freeze() {
    this.frozen ??= this.live;
    this.redraw();
  }

  thaw() {
    if (this.frozen !== this.live) this.frozen?.bitmap.close();
    this.frozen = null;
    this.redraw();
  }

  clear() {
    this.thaw();
    this.live?.bitmap.close();
    this.live = null;
    this.generation++;
    this.redraw();
  }

  redraw() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.draw();
    });
  }

  // Scale from picture to CSS pixels and the offset of its corner: the whole picture, centred.
  get fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { width: w, height: h } = this.shown.bitmap;
    const scale = Math.min(width / w, height / h);
    return { scale, x: (width - w * scale) / 2, y: (height - h * scale) / 2, w, h };
  }

  // The event's place in pixels of the picture, kept inside it.
  toPicture(event) {
    const box = this.canvas.getBoundingClientRect();
    const { scale, x, y, w, h } = this.fit;
    const within = (value, size) => Math.min(Math.max(value, 0), size - 0.01);
    return [within((event.clientX - box.left - x) / scale, w), within((event.clientY - box.top - y) / scale, h)];
  }

  draw() {
    const { canvas, context } = this;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    if (!this.shown || !canvas.width) return;
    const { scale, x, y, w, h } = this.fit;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
    context.drawImage(this.shown.bitmap, 0, 0);
    context.save();
    context.beginPath();
    context.rect(0, 0, w, h);
    context.clip();
    this.paint(context, { width: w, height: h, pixel: 1 / scale });
    context.restore();
  }
}

// A path around a mask's outline: [[[x, y], ...], ...], to be filled by the even-odd rule.
export function outlinePath(outline) {
  const path = new Path2D();
  for (const contour of outline) {
    contour.forEach(([x, y], index) => (index ? path.lineTo(x + 0.5, y + 0.5) : path.moveTo(x + 0.5, y + 0.5)));
    path.closePath();
  }
  return path;
}
