// The policy's belief, drawn over the onboard picture: box and point where it sees the target, and always an arrow
// towards it, seen from above with the robot's front upwards.

const TARGET = "#45d0b0";

export function paintBelief(context, { width, height, pixel }, policy) {
  if (!policy || policy.state !== "running" || policy.report_age_ms > 1500) return;
  const { visible, point, box, bearing } = policy.belief;
  if (visible !== null) {
    context.globalAlpha = Math.min(1, Math.max(0, visible));
    if (visible >= 0.3) {
      paintBox(context, box, width, height, pixel, visible);
      paintPoint(context, point[0] * width, point[1] * height, pixel);
    }
    context.globalAlpha = 1;
  }
  paintCompass(context, bearing, width / 2, height - 46 * pixel, pixel);
}

function paintBox(context, [x0, y0, x1, y1], width, height, pixel, visible) {
  context.lineWidth = 2.5 * pixel;
  context.strokeStyle = TARGET;
  context.setLineDash(visible >= 0.5 ? [] : [6 * pixel, 5 * pixel]);
  context.strokeRect(x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
  context.setLineDash([]);
}

function paintPoint(context, x, y, pixel) {
  for (const [colour, line] of [["#06231d", 5], [TARGET, 2]]) {
    context.beginPath();
    context.arc(x, y, 7 * pixel, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 4 * dx * pixel, y + 4 * dy * pixel);
      context.lineTo(x + 12 * dx * pixel, y + 12 * dy * pixel);
    }
    context.lineWidth = line * pixel;
    context.strokeStyle = colour;
    context.stroke();
  }
}

function paintCompass(context, [right, forward], x, y, pixel) {
  if (right === null || forward === null || Math.hypot(right, forward) < 1e-3) return;
  const radius = 32 * pixel;
  context.save();
  context.translate(x, y);
  context.beginPath();
  context.arc(0, 0, radius, 0, 2 * Math.PI);
  context.fillStyle = "rgba(9, 12, 14, 0.72)";
  context.fill();
  context.lineWidth = 1.5 * pixel;
  context.strokeStyle = "rgba(227, 234, 237, 0.5)";
  context.stroke();
  context.beginPath();
  context.moveTo(0, -radius);
  context.lineTo(0, -radius + 6 * pixel);
  context.stroke();
  context.rotate(Math.atan2(right, forward));
  context.beginPath();
  context.moveTo(0, -24 * pixel);
  context.lineTo(11 * pixel, 12 * pixel);
  context.lineTo(0, 5 * pixel);
  context.lineTo(-11 * pixel, 12 * pixel);
  context.closePath();
  context.fillStyle = TARGET;
  context.fill();
  context.restore();
}

// "24° right", "behind", ...
export function bearingText([right, forward]) {
  if (right === null || forward === null || Math.hypot(right, forward) < 1e-3) return "unknown";
  const degrees = Math.round((Math.atan2(right, forward) * 180) / Math.PI);
  if (Math.abs(degrees) < 3) return "straight ahead";
  if (Math.abs(degrees) > 177) return "behind";
  return `${Math.abs(degrees)}° ${degrees > 0 ? "right" : "left"}`;
}
