// What is seen: the form, the outcome, and what went wrong.

import { pageOf } from "./api.js";

const find = (id) => document.getElementById(id);
const form = find("book");
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

const OUTCOMES = {
  confirmed: {
    state: ["good", "Confirmed"],
    heading: "Thank you",
    text: "The room is yours. We look forward to seeing you.",
    actions: ["see", "startOver"],
  },
  bank: {
    state: ["wait", "Your bank is at work"],
    heading: "Waiting for the bank",
    text: "The debit is on its way. That can take a few days, and you need not do anything.",
    actions: ["look", "see"],
  },
  arrived: {
    state: ["wait", "Your deposit has arrived"],
    heading: "Almost there",
    text: "We have your deposit, and confirm the room as soon as we can.",
    actions: ["look", "see"],
  },
  late: {
    state: ["wait", "Waiting for the deposit"],
    heading: "We have not heard of your payment",
    text: "If you have paid, look again in a minute. Nothing can be paid twice.",
    actions: ["look", "pay"],
  },
  unpaid: {
    state: ["wait", "Waiting for the deposit"],
    heading: "You have not paid yet",
    text: "Nothing has been charged. The room is not yours yet: it goes to whoever pays first.",
    actions: ["pay", "choose"],
  },
  over: {
    state: ["bad", "Cancelled"],
    heading: "This booking is over",
    text: "Its page says what becomes of money that was paid.",
    actions: ["startOver", "see"],
  },
};
const WORDS = {
  pay: "Try again: pay",
  look: "Look again",
  choose: "Choose something else",
  startOver: "Book another room",
};

/** Show what became of a booking, with a button for each thing to do about it. */
export function show(name, booking, actions) {
  const outcome = OUTCOMES[name];
  const [kind, state] = outcome.state;
  find("outcome-heading").textContent = outcome.heading;
  find("outcome-state").className = `state ${kind}`;
  find("outcome-state").textContent = state;
  find("outcome-text").textContent = outcome.text;
  find("stay").replaceChildren(...stay(booking));
  find("actions").replaceChildren(
    ...outcome.actions.map((each) => (each === "see" ? link(booking) : button(WORDS[each], actions[each]))),
  );
  turnTo("outcome", outcome.heading);
}

function stay(booking) {
  const facts = [
    ["Room", booking.room_name],
    ["People", booking.people],
    ["Arrival", DAY.format(new Date(booking.starts_on))],
    ["Departure", DAY.format(new Date(booking.ends_on))],
  ];
  if (booking.deposit) facts.push(["Deposit", booking.display_deposit]);
  if (booking.ending) facts.push(["Why it is cancelled", booking.ending]);
  return facts.map(([term, fact]) => {
    const row = document.createElement("div");
    row.append(element("dt", term), element("dd", fact));
    return row;
  });
}

function button(words, act) {
  const made = element("button", words, "button");
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function link(booking) {
  const made = element("a", "See the booking", "button");
  made.href = pageOf(booking.id);
  return made;
}

function element(name, words, className = "") {
  const made = document.createElement(name);
  made.textContent = words;
  made.className = className;
  return made;
}

/** Show the form, with what was asked for before. */
export function showForm(rooms, asked) {
  find("rooms").replaceChildren(...rooms.map(choice));
  for (const [name, value] of Object.entries(asked)) form.elements[name].value = value;
  turnTo("book", "Book a room");
}

function choice(room) {
  const made = find("room").content.cloneNode(true);
  const deposit = room.deposit_percent ? `deposit ${room.deposit_percent}%` : "no deposit";
  made.querySelector("input").value = room.slug;
  made.querySelector("img").src = room.picture;
  made.querySelector(".room-name").textContent = room.name;
  made.querySelector(".room-tagline").textContent = room.tagline;
  const facts = [`${room.display_price} a night`, `sleeps ${room.sleeps}`, deposit];
  // Lines break between the facts, and not within them.
  made.querySelector(".room-facts").textContent = facts.map((fact) => fact.replaceAll(" ", "\u00a0")).join(" · ");
  return made;
}

/** Return what the form asks for. */
export const order = () => Object.fromEntries(new FormData(form));

function turnTo(id, title) {
  const isFirst = form.hidden && find("outcome").hidden;
  for (const section of [form, find("outcome")]) section.hidden = section.id !== id;
  document.title = `${title} · The Harbour Rooms`;
  calm();
  // Whoever has just opened the page begins at its top.
  if (!isFirst || id === "outcome") find(id).querySelector("h1").focus();
}

/** Say that something is under way; with nothing to say, that it is done. */
export function wait(words) {
  find("status").textContent = words;
  document.body.classList.toggle("busy", words !== "");
  if (words) calm();
}

/** Say what went wrong: at the fields, where it is about fields. */
export function complain(problem) {
  const placed = problem.errors.filter(placeError);
  const isSilent = form.hidden && find("outcome").hidden;
  find("again").hidden = !isSilent;
  if (placed.length && placed.length === problem.errors.length) {
    form.querySelector("[aria-invalid=true]").focus();
    return;
  }
  find("problem").textContent = problem.message;
  find("problem").hidden = false;
  find("problem").scrollIntoView({ block: "nearest" });
}

function placeError({ pointer, detail }) {
  const name = pointer.replace("#/", "");
  const field = form.querySelector(`[name="${CSS.escape(name)}"]`);
  if (form.hidden || !field) return false;
  const error = element("p", detail, "errorlist");
  error.id = `${name}-error`;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", error.id);
  (field.type === "radio" ? find("rooms") : field).before(error);
  return true;
}

function calm() {
  find("problem").hidden = find("again").hidden = true;
  for (const error of form.querySelectorAll(".errorlist")) error.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

export function onBook(act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}

export function onRetry(act) {
  find("again").querySelector("button").addEventListener("click", act);
}
