// Wires the page: connection, the two pictures, the three steps, and STOP.

import { bearingText, paintBelief } from "./belief.js";
import { Connection } from "./connection.js";
import { Marking } from "./marking.js";
import { outlinePath, PictureView } from "./picture.js";

const LATE_MS = 1000;
const NOTICE_MS = 8000;
const TROUBLE = {
  lost: () => "Connection to the console lost. Without this page's heartbeat the gate stops the robot. Reconnecting.",
  refused: (message) => `The console refused this page: ${message}`,
};
const $ = (id) => document.getElementById(id);
const say = (id, text) => {
  if ($(id).textContent !== text) $(id).textContent = text;
};

let welcome = null; // cameras and events, from the server
let watched = null; // third-person camera on show
let state = null; // newest state, null while not connected
let goal = null; // accepted goal, with its outline as a path
let event = null; // chosen event
let arming = false;
let trouble = ""; // with the connection
let alarm = ""; // a stop that was not confirmed

const third = new PictureView(
  $("third"),
  (context, view) => {
    if (!marking.draft) paintGoal(context, view);
    marking.paint(context, view);
  },
  (header) => connection.seen(header),
);
const onboard = new PictureView(
  $("onboard"),
  (context, view) => paintBelief(context, view, state?.policy),
  (header) => connection.seen(header),
);
const connection = new Connection({ link, welcome: greeted, state: stateChanged, goal: goalChanged, draft, picture, error });
const marking = new Marking(third, connection, refresh, (message) => notify(message, true));

function draft(message) {
  marking.received(message);
}

function picture(header, blob) {
  if (header.camera === watched) third.show(header, blob);
  else if (header.camera === welcome?.onboard) onboard.show(header, blob);
  else connection.seen(header);
}

function error(message) {
  notify(message.message, true);
}

function link(status, message) {
  document.body.dataset.link = status;
  say("link", { open: "connected", connecting: "connecting", lost: "connection lost", refused: "refused" }[status]);
  if (status !== "connecting") trouble = TROUBLE[status]?.(message) ?? "";
  if (status !== "open") {
    state = null;
    goal = null;
    document.body.dataset.gate = "unknown";
    marking.forget();
  }
  showBanner();
  refresh();
}

function greeted(message) {
  welcome = message;
  watched = message.third_person.includes(watched) ? watched : message.third_person[0];
  event = message.events.includes(event) ? event : message.events[0];
  connection.watch(watched);
  say("onboard-name", message.onboard);
  third.clear();
  onboard.clear();
  choices($("cameras"), message.third_person, (camera) => {
    watched = camera;
    marking.cancel();
    third.clear();
    connection.watch(camera);
  }, () => watched);
  choices($("events"), message.events, (name) => (event = name), () => event, "event-");
  refresh();
}

function choices(container, names, choose, chosen, prefix = "camera-") {
  const show = () => {
    for (const button of container.children) button.setAttribute("aria-pressed", button.value === chosen());
  };
  container.replaceChildren(
    ...names.map((name) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", value: name, textContent: words(name), id: prefix + name });
      button.onclick = () => {
        choose(name);
        show();
        refresh();
      };
      return button;
    }),
  );
  show();
}

function goalChanged(message) {
  goal = { ...message, path: outlinePath(message.outline) };
  third.redraw();
  refresh();
}

function stateChanged(message) {
  state = message;
  document.body.dataset.control = state.control;
  showBanner();
  showGate(state.gate);
  showPolicy(state.policy);
  showAge("third", state.cameras[watched], third);
  showAge("onboard", state.cameras[welcome.onboard], onboard);
  onboard.redraw();
  refresh();
}

// The most pressing of: a stop that was not confirmed, a lost connection, another operator.
function showBanner() {
  const control = state && state.control !== "you" ? state.control : "";
  const watching = { other: "Another page operates this robot. STOP works here too.", free: "Nobody operates this robot." };
  const text = alarm || trouble || watching[control] || "";
  $("banner").hidden = !text;
  $("take-control").hidden = !control;
  say("banner-text", text);
}

// Status strip.

function showGate(gate) {
  const silent = !gate || gate.report_age_ms > 1500;
  document.body.dataset.gate = silent ? "unknown" : gate.state;
  say("gate-state", silent ? "no gate" : gate.state);
  const silence = gate ? `it has said nothing for ${seconds(gate.report_age_ms)}` : "it has said nothing yet";
  say("gate-reason", silent ? silence : gate.reason || (gate.state === "armed" ? "commands pass, limited" : ""));
  $("gate-reason").title = gate?.reason ?? "";
  for (const name of ["picture", "command", "heartbeat"]) {
    const age = gate ? gate[`${name}_age_ms`] : null;
    say(`age-${name}`, age === null || age < 0 ? "none yet" : seconds(age));
    $(`figure-${name}`).classList.toggle("late", age === null || age < 0 || age > LATE_MS);
  }
  say("speed", gate && !silent ? `${Math.hypot(gate.forward_m_s, gate.left_m_s).toFixed(2)} m/s` : "–");
  say("turn", gate && !silent ? `${gate.yaw_rad_s.toFixed(2)} rad/s` : "–");
}

function showAge(name, ages, view) {
  const age = ages?.on_screen_ms ?? null;
  const late = age === null || age > LATE_MS;
  const frozen = view.frozen !== null && view === third;
  const veil = !view.live ? "Waiting for pictures" : late && !frozen ? `No new picture for ${seconds(age ?? 0)}` : "";
  say(`${name}-age`, view.live && age !== null ? `${seconds(Math.max(age, 0))} old` : "");
  $(`${name}-age`).classList.toggle("late", late);
  say(`${name}-veil`, veil);
  $(`${name}-stage`).classList.toggle("dead", Boolean(veil));
}

function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

// Belief.

function showPolicy(policy) {
  const old = !policy || policy.report_age_ms > 1500;
  document.querySelector(".belief").classList.toggle("old", old);
  say("policy-state", !policy ? "silent" : old ? `silent for ${seconds(policy.report_age_ms)}` : words(policy.state));
  if (!policy) return;
  const running = policy.state === "running";
  const visible = running && policy.belief.visible !== null ? Math.round(100 * policy.belief.visible) : null;
  say("belief-visible", visible === null ? "–" : `${visible} %`);
  $("visible-bar").style.width = `${visible ?? 0}%`;
  $("visible-meter").setAttribute("aria-valuenow", visible ?? 0);
  say("belief-bearing", running ? bearingText(policy.belief.bearing) : "–");
  say("policy-goal", policy.goal_id ? `${policy.event} · ${policy.goal_id}` : "none");
  say("policy-name", policy.policy || "–");
  say("policy-provider", policy.provider.replace("ExecutionProvider", "") || "–");
  say("policy-inference", running ? `${policy.inference_ms?.toFixed(1) ?? "–"} ms` : "–");
  say("policy-age", running ? seconds(policy.picture_age_ms ?? 0) : "–");
  say("policy-message", policy.message);
}

function words(name) {
  return name.replaceAll("_", " ");
}

// The three steps.

function refresh() {
  const operator = connection?.usable && state?.control === "you";
  const gate = document.body.dataset.gate;
  const armed = gate === "armed";
  const { draft, waiting } = marking;
  marking.allowed = Boolean(operator);
  for (const button of $("tools").children) {
    button.setAttribute("aria-pressed", button.dataset.tool === marking.tool);
    button.disabled = !operator || (button.dataset.tool !== "mark" && !draft);
  }
  $("another").disabled = !draft || waiting || draft.proposals < 2;
  $("undo").disabled = !draft || waiting || !draft.can_undo;
  $("cancel").disabled = !draft && !waiting;
  offerEvents();
  $("accept").disabled = !operator || !draft || waiting || armed;
  const ready = armReadiness(operator, armed);
  $("arm").disabled = ready !== "";
  say("arm", armed ? "Armed" : "Arm");
  say("arm-hint", ready || "The robot will drive to the target.");
  say("mark-hint", markHint(armed));
  const now = draft || waiting || !goal ? (draft && !waiting ? "accept" : "mark") : "arm";
  for (const step of ["mark", "accept", "arm"]) $(`step-${step}`).classList.toggle("now", step === now);
  $("step-mark").classList.toggle("done", now !== "mark");
  $("step-accept").classList.toggle("done", now === "arm");
  showTag();
}

// A policy knows the events that it was trained for; of a silent one nothing is known, and the server decides.
function offerEvents() {
  const policy = state?.policy;
  const buttons = [...$("events").children];
  const offered = (name) => !policy || policy.report_age_ms > 1500 || policy.events.includes(name);
  if (!offered(event)) event = buttons.map((button) => button.value).find(offered) ?? event;
  const refused = [];
  for (const button of buttons) {
    button.disabled = !offered(button.value);
    button.title = button.disabled ? `The policy ${policy.policy} was not trained for it` : "";
    button.setAttribute("aria-pressed", button.value === event);
    if (button.disabled) refused.push(words(button.value));
  }
  say("events-hint", refused.length ? `${policy.policy} was not trained for: ${refused.join(", ")}` : "");
}

function markHint(armed) {
  const { draft, waiting } = marking;
  if (waiting) return "Finding its outline…";
  if (!draft) return "Click the target, or drag a box around it.";
  if (armed) return "Stop the robot before you accept another target.";
  const guess = draft.proposals > 1 ? ` · guess ${draft.proposal} of ${draft.proposals}` : "";
  return `${draft.pixels} pixels${guess}. Click what is missing; Shift+click what is too much.`;
}

function armReadiness(operator, armed) {
  if (!operator) return "This page does not operate the robot.";
  if (armed) return state.policy?.state === "ended" ? "Standing. STOP, then mark another." : "Driving. STOP ends it.";
  if (marking.draft || marking.waiting) return "Accept the mark, or cancel it.";
  if (!goal) return "Accept a target first.";
  if (arming) return "Arming…";
  const policy = state.policy;
  if (!policy || policy.goal_id !== goal.id) return "Waiting for the policy to take the target.";
  if (policy.state === "ended") return "This target is done with: mark another.";
  // One that waits for a picture may run the next moment: the server decides when Arm is pressed.
  return policy.state === "refused" ? "The policy refused the target." : "";
}

function showTag() {
  const tag = $("third-tag");
  const frozen = third.frozen !== null;
  const here = goal && goal.camera === watched;
  tag.hidden = !frozen && !here;
  tag.classList.toggle("frozen", frozen);
  tag.textContent = frozen ? "Picture stands still while you mark" : here ? `Target: ${goal.event}` : "";
}

function paintGoal(context, { width, height, pixel }) {
  if (!goal || goal.camera !== watched || goal.width !== width || goal.height !== height) return;
  context.fillStyle = "rgba(69, 208, 176, 0.16)";
  context.fill(goal.path, "evenodd");
  context.lineWidth = 2 * pixel;
  context.strokeStyle = "#45d0b0";
  context.stroke(goal.path);
}

let noticeTimer = 0;
function notify(message, bad = false) {
  clearTimeout(noticeTimer);
  say("notice", message);
  $("notice").classList.toggle("bad", bad);
  $("notice").hidden = !message;
  noticeTimer = setTimeout(() => ($("notice").hidden = true), NOTICE_MS);
}

async function stop() {
  const answer = await connection.stop();
  alarm = answer.ok ? "" : answer.message;
  if (answer.ok) notify(answer.message);
  showBanner();
}

$("stop").onpointerdown = stop; // on the press, not on the release
$("stop").onclick = (event) => event.detail === 0 && stop(); // by keyboard or assistive technology
$("another").onclick = () => marking.another();
$("undo").onclick = () => marking.undo();
$("cancel").onclick = () => marking.cancel();
$("brush").oninput = () => {
  marking.radius = Number($("brush").value);
  third.redraw();
};
for (const button of $("tools").children) button.onclick = () => marking.choose(button.dataset.tool);

$("accept").onclick = async () => {
  const answer = await marking.accept(event);
  if (answer?.ok) notify(answer.message);
};

$("arm").onclick = async () => {
  arming = true;
  refresh();
  const answer = await connection.order("arm", { goal: goal.id });
  arming = false;
  notify(answer.ok ? "" : answer.message, true); // that it is armed, the whole page shows
  refresh();
};

$("take-control").onclick = async () => {
  const answer = await connection.order("take_control");
  notify(answer.message, !answer.ok);
};

const KEYS = {
  m: () => marking.choose("mark"),
  a: () => marking.draft && marking.choose("add"),
  e: () => marking.draft && marking.choose("erase"),
  o: () => marking.another(),
  z: () => marking.undo(),
  backspace: () => marking.cancel(),
  "[": () => brush(-2),
  "]": () => brush(2),
};

function brush(change) {
  $("brush").value = Number($("brush").value) + change;
  $("brush").oninput();
}

// Space and Esc stop, whatever has the focus: so Space presses no button here, Enter does.
addEventListener("keydown", (event) => {
  if (event.key === " " || event.key === "Escape") {
    event.preventDefault();
    if (!event.repeat) stop();
  } else if (!event.ctrlKey && !event.metaKey && !event.altKey) {
    KEYS[event.key.toLowerCase()]?.();
  }
}, true);
addEventListener("keyup", (event) => event.key === " " && event.preventDefault(), true);

connection.open();
