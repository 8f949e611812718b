// Booking a room and paying its deposit, from another origin than that of the API.

import { Problem, bookRoom, confirmPayment, listRooms, openCheckout, readBooking, readPayment } from "./api.js";
import * as page from "./page.js";

// Seconds before each question, for somebody who comes back from the checkout: gently, and not for ever.
const WAITS = [0, 1, 2, 3, 5, 8];
const LONGEST_WAIT = 10;

// What this tab knows: what was asked for, the booking, and the id and token of its payment. It goes with the tab.
const visit = JSON.parse(sessionStorage.getItem("visit") ?? "{}");

function remember(changes) {
  Object.assign(visit, changes);
  sessionStorage.setItem("visit", JSON.stringify(visit));
}

// The way out: book, and pay.

async function book() {
  const order = page.order();
  const asked = JSON.stringify(order);
  // Whoever sends the same again, after an answer that was lost or a checkout that was left, has booked already.
  if (!visit.booking || visit.asked !== asked) {
    remember({ asked, booking: await bookRoom(order), payment: null, key: null });
  }
  await pay();
}

// Codes that say so: it is paid, it was cancelled meanwhile, or it belongs to an account that has logged out.
const CANNOT_BE_PAID = ["already_paid", "nothing_to_pay", "not_found"];

async function pay() {
  if (!visit.booking.payment_required) {
    await comeBack();
    return;
  }
  // Kept until there is an answer: another click, or another try after a lost answer, opens no second checkout.
  remember({ key: visit.key ?? crypto.randomUUID() });
  try {
    const payment = await openCheckout(visit.booking.payable, ways(), visit.key);
    remember({ key: null, payment: { id: payment.id, token: payment.token } });
    leaveFor(payment.checkout_url);
  } catch (problem) {
    if (!problem.isOpen) remember({ key: null });
    if (!CANNOT_BE_PAID.includes(problem.code)) throw problem;
    await comeBack();
  }
}

function ways() {
  const here = location.origin + location.pathname;
  return { success_url: `${here}?back=paid`, cancel_url: `${here}?back=unpaid` };
}

// The way back: ask what became of it.

async function comeBack() {
  await lookUp();
  page.show(await outcome(), visit.booking, actions);
}

async function lookUp() {
  try {
    remember({ booking: await readBooking(visit.booking.id) });
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    await startOver();
    throw new Problem({ detail: "Your last booking is that of an account. Log in on the site to see it there." });
  }
}

async function outcome() {
  const settled = { confirmed: "confirmed", cancelled: "over" }[visit.booking.status];
  if (settled) return settled;
  if (!visit.payment) return "unpaid";
  // The address says how long to ask, and never what became of the payment: anybody can write an address.
  const cameFromPaying = new URLSearchParams(location.search).get("back") === "paid";
  return cameFromPaying ? askPatiently() : ask();
}

async function askPatiently() {
  let known, trouble;
  for (const seconds of WAITS) {
    await sleep(Math.max(seconds, trouble?.wait ?? 0));
    try {
      known = await ask();
      trouble = null;
      if (!["unpaid", "arrived"].includes(known)) return known;
    } catch (problem) {
      if (!problem.isOpen || problem.wait > LONGEST_WAIT) throw problem;
      trouble = problem;
    }
  }
  if (!known) throw trouble;
  return known === "unpaid" ? "late" : known;
}

async function ask() {
  const { status } = await readPayment(visit.payment);
  if (status === "processing") return "bank";
  if (status === "created" || status === "pending") return "unpaid";
  try {
    remember({ booking: await confirmPayment(visit.booking.id) });
    return "confirmed";
  } catch (problem) {
    if (!["not_paid", "cancelled"].includes(problem.code)) throw problem;
    await lookUp();
    return visit.booking.status === "cancelled" ? "over" : "arrived";
  }
}

// One thing at a time.

let isBusy = false;

async function run(work) {
  if (isBusy) return;
  isBusy = true;
  page.wait("One moment …");
  try {
    await work();
    if (!isLeaving) page.wait("");
  } catch (problem) {
    page.wait("");
    if (!(problem instanceof Problem)) throw problem;
    page.complain(problem);
  } finally {
    isBusy = isLeaving;
  }
}

let isLeaving = false;

function leaveFor(address) {
  isLeaving = true;
  page.wait("On the way to the checkout …");
  location.assign(address);
}

const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function choose() {
  page.showForm(await listRooms(), JSON.parse(visit.asked ?? "{}"));
}

async function startOver() {
  remember({ asked: null, booking: null, payment: null, key: null });
  history.replaceState(null, "", location.pathname);
  await choose();
}

const actions = {
  pay: () => run(pay),
  look: () => run(comeBack),
  choose: () => run(choose),
  startOver: () => run(startOver),
};
const start = () => run(visit.booking ? comeBack : choose);

page.onBook(() => run(book));
page.onRetry(start);
// Whoever goes back in the browser finds the page as it was left: on the way out.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  isLeaving = isBusy = false;
  start();
});
start();
