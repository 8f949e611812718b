// The calls: what a page of another origin asks the API, and what it makes of the answers.

// Never from the page's own address: whoever makes a link to the page would choose whom it speaks to.
const API = document.body.dataset.api;
const PATIENCE = 20_000; // milliseconds

/** Why something was refused, as RFC 9457 has it. Without an answer, the status is 0. */
export class Problem extends Error {
  constructor({ title, detail, status = 0, code = "", errors = [] }, wait = 0) {
    super(detail || title);
    Object.assign(this, { status, code, errors, wait });
  }

  /** Whether the request may have been heard all the same: it is safe to repeat, with the same key. */
  get isOpen() {
    return this.status === 0 || this.status >= 500 || this.wait > 0;
  }
}

const SILENCE = { detail: "The house does not answer at the moment. Nothing is lost: please try again in a minute." };

async function call(method, path, { body, headers = {} } = {}) {
  let answer, said;
  try {
    answer = await fetch(`${API}/api/${path}`, {
      method,
      headers: body ? { "Content-Type": "application/json", ...headers } : headers,
      body: body && JSON.stringify(body),
      credentials: "include", // whoever is logged in on the site is known by their cookie
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
    said = await answer.json();
  } catch {
    throw new Problem({ ...SILENCE, status: answer && !answer.ok ? answer.status : 0 });
  }
  if (!answer.ok) throw new Problem(said, Number(answer.headers.get("Retry-After")));
  return said;
}

async function post(path, { body, headers } = {}) {
  // Asked for each time: it changes when somebody logs in or out on the site.
  const { token } = await call("GET", "csrf/");
  return call("POST", path, { body, headers: { "X-CSRFToken": token, ...headers } });
}

export const listRooms = () => call("GET", "rooms/");

export const bookRoom = (order) => post("bookings/", { body: order });

export const readBooking = (id) => call("GET", `bookings/${id}/`);

export const openCheckout = (payable, ways, key) =>
  post("payments/checkout/", { body: { ...payable, ...ways }, headers: { "Idempotency-Key": key } });

export const readPayment = ({ id, token }) =>
  call("GET", `payments/status/${id}/?sync=1`, { headers: { "Payment-Token": token } });

export const confirmPayment = (id) => post(`bookings/${id}/confirm-payment/`);

/** Where the booking is on the site. */
export const pageOf = (id) => `${API}/bookings/${id}/`;
