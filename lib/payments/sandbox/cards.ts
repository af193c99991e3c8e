/** A card somebody typed, checked; the number itself goes no further than this module. */
export interface Card {
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  /** What the issuer will do. */
  outcome: "pays" | "asks_for_3ds" | { declineCode: string; code: string; message: string };
}

/** What is wrong with a field, in words for the person who typed it. */
export type CardProblem = { field: "number" | "expiry" | "cvc"; message: string };

const DECLINES: Record<string, { declineCode: string; code: string; message: string }> = {
  "4000000000000002": {
    declineCode: "generic_decline",
    code: "card_declined",
    message: "Your card was declined. Please try a different card.",
  },
  "4000000000009995": {
    declineCode: "insufficient_funds",
    code: "card_declined",
    message: "Your card has insufficient funds. Please try a different card.",
  },
  "4000000000000069": {
    declineCode: "expired_card",
    code: "expired_card",
    message: "Your card has expired. Please try a different card.",
  },
  "4000000000000127": {
    declineCode: "incorrect_cvc",
    code: "incorrect_cvc",
    message: "Your card's security code is incorrect.",
  },
};
const ASKS_FOR_3DS = ["4000002500003155", "4000002760003184"];
const PAYS = ["4242424242424242", "4000056655665556", "5555555555554444", "378282246310005"];

/** Checks what was typed the way the hosted page does, then asks the issuer's table. */
export function readCard(
  typed: { number: string; expiry: string; cvc: string },
  now: Date,
): Card | CardProblem {
  const number = typed.number.replace(/[\s-]/g, "");
  if (!/^\d{12,19}$/.test(number)) {
    return { field: "number", message: "Your card number is incomplete." };
  }
  if (!passesLuhn(number)) return { field: "number", message: "Your card number is invalid." };

  const expiry = /^\s*(\d{1,2})\s*[/-]?\s*(\d{2}|\d{4})\s*$/.exec(typed.expiry);
  const expMonth = Number(expiry?.[1]);
  const expYear = Number(expiry?.[2]) + (expiry?.[2].length === 2 ? 2000 : 0);
  if (!expiry || expMonth < 1 || expMonth > 12) {
    return { field: "expiry", message: "Your card's expiration date is incomplete." };
  }
  if (Date.UTC(expYear, expMonth, 1) <= now.getTime()) {
    return { field: "expiry", message: "Your card's expiration date is in the past." };
  }
  if (!/^\s*\d{3,4}\s*$/.test(typed.cvc)) {
    return { field: "cvc", message: "Your card's security code is incomplete." };
  }

  return {
    brand: brandOf(number),
    last4: number.slice(-4),
    expMonth,
    expYear,
    outcome: ASKS_FOR_3DS.includes(number) ? "asks_for_3ds" : PAYS.includes(number)
      ? "pays"
      // Any other number is not a test card, and only those work here.
      : DECLINES[number] ?? {
        declineCode: "test_mode_live_card",
        code: "card_declined",
        message:
          "Your card was declined. This page takes test cards only, such as 4242 4242 4242 4242.",
      },
  };
}

/** The check digit of ISO/IEC 7812-1. */
function passesLuhn(number: string): boolean {
  let sum = 0;
  for (let at = 0; at < number.length; at++) {
    const digit = Number(number[number.length - 1 - at]);
    sum += at % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  return sum % 10 === 0;
}

function brandOf(number: string): string {
  if (number.startsWith("4")) return "visa";
  if (/^5[1-5]/.test(number)) return "mastercard";
  if (/^3[47]/.test(number)) return "amex";
  return "unknown";
}
